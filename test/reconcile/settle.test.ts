/** Outcomes the record does not know: settled by what CloudTrail shows, by what it surely does not, or left open. */
import { describe, expect, test } from "vitest";
import { DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { auditLogOn } from "../../src/adapters/postgres/audit-log.ts";
import { entrySentence } from "../../src/audit/sentence.ts";
import type { StoredEntry } from "../../src/audit/log.ts";
import type { Reconciliation, Settlement } from "../../src/audit/reconciliation.ts";
import { recordSettlements } from "../../src/flows/reconcile-cloudtrail.ts";
import { onEveryEngine, type Opened } from "../store/engines.ts";
import { faulty, LOST, type Fault } from "../store/faulty.ts";
import { aSession, CONTEXT, ISSUED, LATER, UNKNOWN } from "../store/records.ts";
import { fileOf, kindsOf, trailWorld, type TrailWorld } from "./world.ts";

const ISSUED_ONE: Settlement = { issued: true, eventId: "event-1", accessKeyId: "ASIAEXAMPLE", covers: null };
const REFUSED_ONE: Settlement = { issued: false, eventId: "event-2", accessKeyId: null, covers: null };

const settledOf = (found: Reconciliation, id: string) =>
  found.settled.find(({ session }) => session.id === id);
const openOf = (found: Reconciliation, id: string) => found.open.find(({ session }) => session.id === id);

onEveryEngine("settling an outcome", (opened: Opened) => {
  const entriesOf = (session: string): Promise<readonly StoredEntry[]> =>
    opened.log.search({
      ...{ kinds: ["session.settled"], agent: null, person: null, session, escalation: null },
      ...{ text: null, before: null, limit: 10 },
    });

  describe("in the record", () => {
    test.each(["intent", "unknown"] as const)(
      "a session in state %s is settled once, and stays in it",
      async (state) => {
        const session = aSession();
        await opened.log.recordIntent(session, CONTEXT);
        if (state === "unknown") await opened.log.recordOutcome(session, UNKNOWN, LATER);
        const first = await opened.log.settle(session.id, ISSUED_ONE);
        const again = await opened.log.settle(session.id, REFUSED_ONE);
        expect([first === null, again]).toEqual([false, null]);
        const entries = await entriesOf(session.id);
        expect(entries).toMatchObject([
          {
            index: first?.entry,
            kind: "session.settled",
            agent: session.agent,
            owner: session.owner,
            detail: ISSUED_ONE,
          },
        ]);
        expect(await opened.log.session(session.id)).toMatchObject({ state, accessKeyId: null });
      },
    );

    test("of two that settle at once one writes", async () => {
      const session = aSession();
      await opened.log.recordIntent(session, CONTEXT);
      const other = auditLogOn(opened.db);
      const answers = await Promise.all(
        [opened.log, other, opened.log].map((log) => log.settle(session.id, ISSUED_ONE)),
      );
      expect(answers.filter((answer) => answer !== null)).toHaveLength(1);
      expect(await entriesOf(session.id)).toHaveLength(1);
    });

    test("a session whose outcome is known, or that nobody knows, is not settled", async () => {
      const session = aSession();
      await opened.log.recordIntent(session, CONTEXT);
      await opened.log.recordOutcome(session, ISSUED, LATER);
      const size = await opened.log.size();
      expect(await opened.log.settle(session.id, REFUSED_ONE)).toBeNull();
      expect(await opened.log.settle("tks-nobody", REFUSED_ONE)).toBeNull();
      expect(await opened.log.size()).toBe(size);
    });

    test.each<Fault>([{ at: "begin" }, { at: "commit", when: "before" }, { at: "commit", when: "after" }])(
      "a write that fails ($at $when) is told, and made again it stands there once",
      async (fault) => {
        const db = faulty(opened.db);
        const log = auditLogOn(db);
        const session = aSession();
        await log.recordIntent(session, CONTEXT);
        db.fail(fault);
        await expect(log.settle(session.id, ISSUED_ONE)).rejects.toThrow(LOST);
        await log.settle(session.id, ISSUED_ONE);
        expect(await entriesOf(session.id)).toHaveLength(1);
      },
    );
  });

  describe("by events", () => {
    const start = () => trailWorld(opened.log);
    /** From before the session was asked for until `hours` later, with an event of the account at either end. */
    const after = async (world: TrailWorld, hours: number) => {
      const from = new Date(world.now().getTime() - 3_600_000);
      world.advance(hours * 3_600);
      await world.assume({ RoleArn: "arn:aws:iam::111122223333:role/deploy-admin" });
      const to = world.now();
      world.advance(3_600);
      return { from, to };
    };

    test("that STS issued is told with the event and the key, written once, and nothing was delivered", async () => {
      const world = await start();
      const { session, keys } = await world.mint({}, { record: "unknown" });
      const [event] = world.events();
      const settlement = {
        issued: true,
        eventId: event?.eventID,
        accessKeyId: keys.accessKeyId,
        covers: null,
      };
      const found = await world.reconcile();
      expect(settledOf(found, session.id)).toMatchObject({ state: "unknown", settlement, entry: null });
      expect(await entriesOf(session.id)).toEqual([]);

      const written = await recordSettlements(opened.log, found.settled);
      const [entry] = await entriesOf(session.id);
      expect(written.find((one) => one.session.id === session.id)?.entry).toBe(entry?.index);
      expect(entry).toMatchObject({ kind: "session.settled", detail: settlement });
      expect(entry && entrySentence(entry)).toContain("nothing was delivered");

      const again = await world.reconcile();
      expect(settledOf(again, session.id)).toBeUndefined();
      expect(again.settledBefore).toBe(found.settledBefore + found.settled.length);
      await recordSettlements(opened.log, found.settled);
      expect(await entriesOf(session.id)).toHaveLength(1);
    });

    test("an intent is settled when its longest life is over, and left alone before", async () => {
      const world = await start();
      const { session } = await world.mint({}, { record: "nothing" });
      const young = await world.reconcile();
      expect([settledOf(young, session.id), openOf(young, session.id)]).toEqual([undefined, undefined]);
      world.advance(session.durationSeconds + 15 * 60 + 1);
      expect(settledOf(await world.reconcile(), session.id)).toMatchObject({
        state: "intent",
        settlement: { issued: true },
      });
    });

    test("that STS issued nothing is concluded where the events surely cover the time, and told with it", async () => {
      const world = await start();
      await world.mint();
      const { session } = await world.mint({}, { record: "unknown", asked: false });
      const covers = await after(world, 2);
      const settled = settledOf(await world.reconcile({ covers }), session.id);
      const text = `${covers.from.toISOString()}/${covers.to.toISOString()}`;
      expect(settled?.settlement).toEqual({ issued: false, eventId: null, accessKeyId: null, covers: text });
    });

    test("without a word on what they cover, no event shows nothing", async () => {
      const world = await start();
      await world.mint();
      const { session } = await world.mint({}, { record: "unknown", asked: false });
      await after(world, 2);
      const found = await world.reconcile();
      expect(settledOf(found, session.id)).toBeUndefined();
      expect(openOf(found, session.id)?.reason).toMatch(
        /^no event shows it, and nobody states that the events cover 2/,
      );
    });

    test.each([
      [
        "begins too late",
        (at: number) => ({ from: new Date(at - 4 * 60_000), to: new Date(at + 7_200_000) }),
      ],
      [
        "ends too early",
        (at: number) => ({ from: new Date(at - 3_600_000), to: new Date(at + 29 * 60_000) }),
      ],
    ])("a stated time that %s shows nothing", async (_what, stated) => {
      const world = await start();
      await world.mint();
      const { session } = await world.mint({}, { record: "unknown", asked: false });
      await after(world, 2);
      const found = await world.reconcile({ covers: stated(session.requestedAt.getTime()) });
      expect(openOf(found, session.id)?.reason).toMatch(/not stated to cover/);
    });

    test("a stated time of which the account's region has no event on both sides shows nothing", async () => {
      const world = await start();
      await world.mint();
      const { session } = await world.mint({}, { record: "unknown", asked: false });
      const covers = await after(world, 2);
      const elsewhere = (change: object, from: number) =>
        fileOf(world.events().map((event, index) => (index < from ? event : { ...event, ...change })));
      for (const text of [
        elsewhere({ awsRegion: "eu-west-1" }, 1),
        elsewhere({ recipientAccountId: "444455556666" }, 1),
        fileOf(world.events().slice(0, 1)),
        fileOf(world.events().slice(1)),
      ]) {
        const found = await world.reconcile({ covers, text });
        expect(openOf(found, session.id)?.reason).toMatch(
          /hold none of account 111122223333 in us-east-1 on both/,
        );
      }
    });

    test("a time of which CloudTrail may still deliver events shows nothing", async () => {
      const world = await start();
      await world.mint();
      const { session } = await world.mint({}, { record: "unknown", asked: false });
      const covers = await after(world, 0.51);
      const now = new Date(covers.to.getTime() + 60_000);
      const found = await world.reconcile({ covers, now });
      expect(openOf(found, session.id)?.reason).toMatch(/may still deliver/);
    });

    test("a call of Twokey's that STS refused settles that it issued nothing; somebody else's does not", async () => {
      const world = await start();
      await world.mint();
      const { session } = await world.mint({}, { record: "unknown" });
      const refusal = { errorCode: "AccessDenied", responseElements: null };
      const refused = world.events().map((event, index) => (index === 0 ? event : { ...event, ...refusal }));
      const eventId = world.events()[1]?.eventID;
      expect(settledOf(await world.reconcile({ text: fileOf(refused) }), session.id)?.settlement).toEqual({
        issued: false,
        eventId,
        accessKeyId: null,
        covers: null,
      });
      const identity = {
        type: "IAMUser",
        arn: "arn:aws:iam::111122223333:user/other",
        principalId: "AIDAOTHER",
      };
      const others = refused.map((event, index) =>
        index === 0 ? event : { ...event, userIdentity: identity },
      );
      expect(openOf(await world.reconcile({ text: fileOf(others) }), session.id)?.reason).toMatch(
        /not surely/,
      );
    });

    test("two refused calls for one session settle nothing: Twokey makes one, and the other may hide it", async () => {
      const world = await start();
      await world.mint();
      const { session } = await world.mint({}, { record: "unknown" });
      const [proof, call] = world.events();
      const refused = { ...call, errorCode: "AccessDenied", responseElements: null };
      const found = await world.reconcile({
        text: fileOf([proof, refused, { ...refused, eventID: "another" }]),
      });
      expect(settledOf(found, session.id)).toBeUndefined();
      expect(kindsOf(found)).toContain("alarm asked_more_than_once");
    });

    test("a session that was used was issued, whatever call is missing", async () => {
      const world = await start();
      await world.mint();
      const { session, keys } = await world.mint({}, { record: "unknown" });
      await world.cloudformation(keys).send(new DescribeStacksCommand({}));
      const covers = await after(world, 2);
      const without = fileOf(world.events().filter((_, index) => index !== 1));
      const found = await world.reconcile({ covers, text: without });
      expect(settledOf(found, session.id)).toBeUndefined();
      expect(openOf(found, session.id)?.reason).toMatch(/it was used/);
    });

    test("a session settled as not issued that CloudTrail then shows is an alarm, and not written again", async () => {
      const world = await start();
      const { session } = await world.mint({}, { record: "unknown" });
      await opened.log.settle(session.id, { ...REFUSED_ONE, eventId: null, covers: "x" });
      const found = await world.reconcile();
      expect(kindsOf(found)).toContain("alarm settled_otherwise");
      expect(settledOf(found, session.id)).toBeUndefined();
    });
  });
});
