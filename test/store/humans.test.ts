/** The contract of identity/human-store.ts, the same on every engine. */
import { describe, expect, test } from "vitest";
import type { HumanContext, SignIn } from "../../src/identity/human-store.ts";
import { onEveryEngine } from "./engines.ts";
import { VERSION } from "./escalations.ts";

const BY: HumanContext = { requestId: "req-1", policyVersion: VERSION, person: "orders-second" };
const ACCOUNT = { issuer: "https://login.example.com", subject: "u-1" };

let made = 0;
const fresh = (what: string): string => `${what}-${(made += 1)}`;

onEveryEngine("the store of humans", (opened) => {
  const lastEntry = async () => {
    const size = await opened.log.size();
    return (await opened.log.entries({ from: size - 1, limit: 1 }))[0];
  };
  const challenge = async (purpose: "enrol" | "confirm" = "enrol", lifetimeSeconds = 300) => {
    const nonce = fresh("nonce");
    await opened.log.humans.challenge({ nonce, purpose, person: null, subject: null }, lifetimeSeconds);
    return nonce;
  };
  const aKey = (credentialId = fresh("key")) => ({
    credentialId,
    publicKey: "pQ",
    account: ACCOUNT,
    person: "orders-second",
    label: "laptop \0 \u202e",
    counter: 0,
    transports: ["internal", "hybrid"],
  });
  const enrol = async (key = aKey(), changes: { nonce?: string; spendInvitation?: string } = {}) =>
    opened.log.humans.enrol(
      key,
      { delaySeconds: 3_600, nonce: await challenge(), spendInvitation: null, ...changes },
      BY,
    );
  const signIn = (changes: Partial<SignIn> & { lifetimeSeconds?: number } = {}) => {
    const tokenDigest = fresh("token");
    const one = { account: ACCOUNT, method: "oidc" as const, groups: null, lifetimeSeconds: 600, ...changes };
    return opened.log.humans
      .signIn({ tokenDigest, ...one }, BY)
      .then((signedIn) => ({ tokenDigest, signedIn }));
  };

  describe("bootstrap", () => {
    const invitation = () => ({ tokenDigest: fresh("invitation"), person: "admin", lifetimeSeconds: 600 });
    const spend = (token: string) =>
      opened.log.humans.spendBootstrap(token, invitation(), { ...BY, person: null });

    test("only the last token counts, once, and gives an invitation with its entry", async () => {
      await opened.log.humans.setBootstrap("boot-1", 600);
      await opened.log.humans.setBootstrap("boot-2", 600);
      expect(await spend("boot-1")).toEqual({ ok: false, error: "refused" });
      expect(await opened.log.humans.findInvitation("boot-2")).toBeNull();
      const spent = await spend("boot-2");
      expect(spent).toMatchObject({ ok: true, value: { person: "admin", invitedBy: null } });
      expect(await lastEntry()).toMatchObject({
        kind: "invitation.created",
        person: null,
        detail: { invited: "admin", by: "bootstrap", expiresAt: spent.ok ? spent.value.expiresAt : null },
      });
      expect(await spend("boot-2")).toEqual({ ok: false, error: "refused" });
    });

    test("of 10 at once with the token one has an invitation", async () => {
      await opened.log.humans.setBootstrap("boot-3", 600);
      const all = await Promise.all(Array.from({ length: 10 }, () => spend("boot-3")));
      expect(all.filter((answer) => answer.ok)).toHaveLength(1);
    });

    test("a token that is over, or was taken away, is refused", async () => {
      await opened.log.humans.setBootstrap("boot-4", 0);
      expect(await spend("boot-4")).toEqual({ ok: false, error: "refused" });
      await opened.log.humans.setBootstrap("boot-5", 600);
      await opened.log.humans.setBootstrap(null, 600);
      expect(await spend("boot-5")).toEqual({ ok: false, error: "refused" });
    });

    test("is refused while a passkey is enrolled, and counts again when none is", async () => {
      const key = aKey();
      await enrol(key);
      await opened.log.humans.setBootstrap("boot-6", 600);
      expect(await spend("boot-6")).toEqual({ ok: false, error: "refused" });
      await opened.log.humans.removePasskey(key.credentialId, BY);
      expect((await spend("boot-6")).ok).toBe(true);
    });
  });

  describe("passkeys", () => {
    test("one is kept whole, counts from the delay, and is on record and announced", async () => {
      const key = aKey();
      const answer = await enrol(key);
      const found = await opened.log.humans.passkey(key.credentialId);
      const enrolledAt = found?.enrolledAt ?? new Date(NaN);
      const countsFrom = new Date(enrolledAt.getTime() + 3_600_000);
      // What a text column cannot hold is replaced in a label, which is only for showing.
      const label = "laptop \u{FFFD} \u202e";
      expect(found).toEqual({ ...key, label, enrolledAt, countsFrom, removedAt: null });
      expect(answer).toEqual({ ok: true, value: found });
      const { credentialId, publicKey } = key;
      const detail = { credentialId, publicKey, account: ACCOUNT, label, countsFrom };
      const entry = await lastEntry();
      expect(entry).toMatchObject({
        kind: "passkey.enrolled",
        at: enrolledAt,
        person: "orders-second",
        detail,
      });
      const notices = await opened.db.query("SELECT kind, escalation, detail FROM notices WHERE entry = $1", [
        entry?.index ?? -1,
      ]);
      expect(notices).toMatchObject([{ kind: "passkey.enrolled", escalation: null }]);
      expect(JSON.parse(notices[0]?.["detail"] as string)).toEqual({ person: "orders-second", label });
    });

    test("a removed one stays known as removed, and is removed once", async () => {
      const key = aKey();
      await enrol(key);
      expect(await opened.log.humans.removePasskey(key.credentialId, BY)).toBe(true);
      const entry = await lastEntry();
      const detail = { credentialId: key.credentialId, of: "orders-second" };
      expect(entry).toMatchObject({ kind: "passkey.removed", detail });
      expect(await opened.log.humans.passkey(key.credentialId)).toMatchObject({ removedAt: entry?.at });
      expect(await opened.log.humans.removePasskey(key.credentialId, BY)).toBe(false);
      expect(await enrol(key)).toEqual({ ok: false, error: "already_enrolled" });
    });

    test("are listed by person", async () => {
      const key = { ...aKey(), person: "platform-oncall" };
      await enrol(key);
      const ids = async (person: string | null) =>
        (await opened.log.humans.passkeys({ person })).map(({ credentialId }) => credentialId);
      expect(await ids("platform-oncall")).toEqual([key.credentialId]);
      expect(await ids("nobody")).toEqual([]);
      expect((await ids(null)).length).toBeGreaterThan(1);
    });

    test.each([
      ["used", async () => (await opened.log.humans.takeChallenge("nonce-used"), "nonce-used")],
      ["over", () => challenge("enrol", 0)],
      ["for something else", () => challenge("confirm")],
    ])("with a challenge that is %s none is enrolled", async (_, make) => {
      const size = await opened.log.size();
      expect(await enrol(aKey(), { nonce: await make() })).toEqual({ ok: false, error: "nonce_used" });
      expect(await opened.log.size()).toBe(size);
    });

    test("of two with one challenge at once one is enrolled", async () => {
      const nonce = await challenge();
      const both = await Promise.all([enrol(aKey(), { nonce }), enrol(aKey(), { nonce })]);
      expect(both.map((answer) => answer.ok).sort()).toEqual([false, true]);
    });
  });

  describe("invitations", () => {
    const invite = async (person = "orders-second", lifetimeSeconds = 600) => {
      const tokenDigest = fresh("invitation");
      const made = await opened.log.humans.invite(
        { tokenDigest, person, lifetimeSeconds },
        { ...BY, person: "admin" },
      );
      return { tokenDigest, made };
    };

    test("one is found until it is spent by an enrolment, once", async () => {
      const { tokenDigest, made } = await invite();
      expect(await lastEntry()).toMatchObject({
        kind: "invitation.created",
        person: "admin",
        detail: { invited: "orders-second", by: "administrator", expiresAt: made.expiresAt },
      });
      expect(made).toMatchObject({ person: "orders-second", invitedBy: "admin" });
      expect(await opened.log.humans.findInvitation(tokenDigest)).toEqual(made);
      expect((await enrol(aKey(), { spendInvitation: tokenDigest })).ok).toBe(true);
      expect(await opened.log.humans.findInvitation(tokenDigest)).toBeNull();
      const again = await enrol(aKey(), { spendInvitation: tokenDigest });
      expect(again).toEqual({ ok: false, error: "invitation_used" });
    });

    test("another person's, an unknown one and one that is over enrol nothing", async () => {
      const theirs = await invite("platform-oncall");
      const over = await invite("orders-second", 0);
      expect(await opened.log.humans.findInvitation(over.tokenDigest)).toBeNull();
      for (const token of [theirs.tokenDigest, over.tokenDigest, "unknown"]) {
        const answer = await enrol(aKey(), { spendInvitation: token });
        expect(answer).toEqual({ ok: false, error: "invitation_used" });
      }
    });

    test("a refused enrolment leaves the challenge and the invitation", async () => {
      const key = aKey();
      await enrol(key);
      const { tokenDigest, made } = await invite();
      const nonce = await challenge();
      const options = { nonce, spendInvitation: tokenDigest };
      expect(await enrol(key, options)).toEqual({ ok: false, error: "already_enrolled" });
      expect(await opened.log.humans.findInvitation(tokenDigest)).toEqual(made);
      expect((await enrol(aKey(), options)).ok).toBe(true);
    });
  });

  describe("sign-ins", () => {
    test("one is found until it is signed out, with an entry for each", async () => {
      const { tokenDigest, signedIn } = await signIn({ groups: ["approvers"] });
      const { account, method, expiresAt, signedInAt } = signedIn;
      expect(expiresAt.getTime() - signedInAt.getTime()).toBe(600_000);
      expect(await lastEntry()).toMatchObject({
        kind: "human.signed_in",
        detail: { account, method, expiresAt },
      });
      expect(await opened.log.humans.findSignIn(tokenDigest)).toEqual(signedIn);
      await opened.log.humans.signOut(tokenDigest, BY);
      expect(await lastEntry()).toMatchObject({
        kind: "human.signed_out",
        detail: { everywhere: false, count: 1 },
      });
      expect(await opened.log.humans.findSignIn(tokenDigest)).toBeNull();
      const size = await opened.log.size();
      await opened.log.humans.signOut(tokenDigest, BY);
      expect(await opened.log.size()).toBe(size);
    });

    test("an unknown one and one that is over are none", async () => {
      const { tokenDigest } = await signIn({ lifetimeSeconds: 0 });
      expect(await opened.log.humans.findSignIn(tokenDigest)).toBeNull();
      expect(await opened.log.humans.findSignIn("unknown")).toBeNull();
    });

    test("all of some accounts end at once, and nobody else's", async () => {
      const [mine, second, theirs] = ["m", "m2", "t"].map((subject) => ({ ...ACCOUNT, subject }));
      if (mine === undefined || second === undefined || theirs === undefined)
        throw new Error("three accounts");
      const ended = [
        await signIn({ account: mine }),
        await signIn({ account: mine }),
        await signIn({ account: second }),
      ];
      const kept = await signIn({ account: theirs });
      expect(await opened.log.humans.signOutEverywhere([mine, second], BY)).toBe(3);
      expect(await lastEntry()).toMatchObject({
        kind: "human.signed_out",
        detail: { everywhere: true, count: 3 },
      });
      for (const { tokenDigest } of ended) expect(await opened.log.humans.findSignIn(tokenDigest)).toBeNull();
      expect(await opened.log.humans.findSignIn(kept.tokenDigest)).toEqual(kept.signedIn);
    });

    test("an account's groups are those of its last OIDC sign-in, past its end and past cleaning up", async () => {
      const [one, two, three] = ["g1", "g2", "g3"].map((subject) => ({ ...ACCOUNT, subject }));
      if (one === undefined || two === undefined || three === undefined) throw new Error("three accounts");
      await signIn({ account: one, groups: ["old"] });
      await signIn({ account: one, groups: ["new"], lifetimeSeconds: 0 });
      await signIn({ account: one, method: "passkey" });
      // Its provider says nothing of groups any more.
      await signIn({ account: two, groups: ["old"] });
      await signIn({ account: two });
      await signIn({ account: three, method: "passkey", groups: null });
      const groups = async () =>
        (await opened.log.humans.memberships()).filter(({ account }) =>
          [one, two, three].some(({ subject }) => subject === account.subject),
        );
      expect(await groups()).toEqual([{ account: one, groups: ["new"] }]);
      await opened.log.escalations.expire();
      expect(await groups()).toEqual([{ account: one, groups: ["new"] }]);
    });
  });

  describe("groups of a claim", () => {
    test("end a day after the sign-in that brought them, and when it is ended", async () => {
      const [old, ended] = ["old-claim", "ended-claim"].map((subject) => ({ ...ACCOUNT, subject }));
      if (old === undefined || ended === undefined) throw new Error("two accounts");
      await signIn({ account: old, groups: ["platform"] });
      await signIn({ account: ended, groups: ["platform"] });
      const groups = async () =>
        (await opened.log.humans.memberships()).filter(({ account }) => account.subject.endsWith("-claim"));
      expect(await groups()).toHaveLength(2);
      await opened.db.query(
        "UPDATE sign_ins SET signed_in_at = signed_in_at - interval '25 hours' WHERE account_subject = $1",
        [old.subject],
      );
      await opened.log.humans.signOutEverywhere([ended], BY);
      expect(await groups()).toEqual([]);
    });
  });

  describe("challenges and logins", () => {
    test("one is found, and taken once", async () => {
      const one = {
        nonce: fresh("nonce"),
        purpose: "confirm" as const,
        person: "admin",
        subject: "invite x",
      };
      await opened.log.humans.challenge(one, 300);
      expect(await opened.log.humans.findChallenge(one.nonce)).toEqual(one);
      const taken = await Promise.all(
        Array.from({ length: 10 }, () => opened.log.humans.takeChallenge(one.nonce)),
      );
      expect(taken.filter((challenge) => challenge !== null)).toEqual([one]);
      expect(await opened.log.humans.findChallenge(one.nonce)).toBeNull();
    });

    test("one that is over is none", async () => {
      const nonce = await challenge("confirm", 0);
      expect(await opened.log.humans.findChallenge(nonce)).toBeNull();
      expect(await opened.log.humans.takeChallenge(nonce)).toBeNull();
    });

    test("a login is taken once, and not when it is over", async () => {
      await opened.log.humans.keepLogin("state-1", "opaque", 300);
      await opened.log.humans.keepLogin("state-2", "opaque", 0);
      expect(await opened.log.humans.takeLogin("state-1")).toBe("opaque");
      expect(await opened.log.humans.takeLogin("state-1")).toBeNull();
      expect(await opened.log.humans.takeLogin("state-2")).toBeNull();
    });
  });

  test("what is over is cleaned up, and what is not stays", async () => {
    const live = await challenge();
    const over = await challenge("enrol", 0);
    await opened.log.humans.keepLogin("state-live", "opaque", 300);
    await opened.log.humans.keepLogin("state-over", "opaque", 0);
    const gone = await signIn({ method: "passkey", lifetimeSeconds: 0 });
    await opened.log.escalations.expire();
    const rows = await opened.db.query(
      `SELECT nonce AS id FROM challenges WHERE nonce IN ($1, $2)
       UNION SELECT state_digest FROM logins WHERE state_digest IN ('state-live', 'state-over')
       UNION SELECT token_digest FROM sign_ins WHERE token_digest = $3`,
      [live, over, gone.tokenDigest],
    );
    expect(rows.map((row) => row["id"]).sort()).toEqual([live, "state-live"].sort());
  });
});
