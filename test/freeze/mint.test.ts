/** Fault table: freeze during a mint. Nothing is delivered after the freeze was acknowledged, whatever STS issued. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freeze } from "../../src/flows/freeze.ts";
import { issueCredentials } from "../../src/flows/issue-credentials.ts";
import type { FreezeTarget } from "../../src/identity/freeze.ts";
import { ok } from "../../src/result.ts";
import { ASSUMED } from "../support/flow-fakes.ts";
import { postgresInstalled, startPostgres, type Postgres } from "../support/postgres.ts";
import {
  callOf,
  decide,
  enrol,
  mint,
  request,
  startWorld,
  value,
  type Replica,
  type World,
} from "../escalation/world.ts";
import { thawing } from "../store/freezes.ts";

const title = "freeze during a mint";

describe.skipIf(!postgresInstalled)(postgresInstalled ? title : `${title} (needs PostgreSQL)`, () => {
  let cluster: Postgres;
  let world: World;
  let minting: Replica;
  let freezing: Replica;
  beforeAll(async () => {
    cluster = (await startPostgres()) as Postgres;
    world = await startWorld(cluster.url, 2);
    const [first, second] = world.replicas;
    if (second === undefined) throw new Error("no second broker");
    [minting, freezing] = [first, second];
  });
  afterAll(async () => {
    await world.close();
    await cluster.stop();
  });

  const lift = async (target: FreezeTarget): Promise<void> => {
    const quorum = target.kind === "all" ? 2 : 1;
    for (const person of ["platform-engineer", "security-engineer"].slice(0, quorum))
      await freezing.store.freezes.thaw(target, thawing(person, { quorum }));
  };
  const stop = (target: FreezeTarget) =>
    freeze(freezing.broker, { target, reason: "", by: "operator", person: null, requestId: "req-f" });
  const standing = () =>
    issueCredentials(minting.broker, callOf("orders-ci", undefined, "POST /v1/credentials"), async () =>
      ok({
        wish: {
          template: "observe",
          parameters: {},
          account: null,
          durationSeconds: null,
          task: { id: null, intent: "observe", summary: "look" },
        },
        idempotencyKey: null,
      }),
    );
  const granted = async () => {
    const people = [await enrol(minting, "platform-engineer"), await enrol(minting, "security-engineer")];
    const { escalation } = value(await request(minting.broker));
    for (const person of people) value(await decide(minting, person, "approve", escalation));
    return mint(minting.broker, escalation.id);
  };
  /** STS is asked, and before it answers the other broker has acknowledged the freeze. */
  const whileStsIsAsked = async (
    work: () => Promise<unknown>,
    targetOf: (session: string) => FreezeTarget,
  ) => {
    const before = world.sts.length;
    const made: { readonly target: FreezeTarget; readonly entry: number }[] = [];
    world.assumeRole = async () => {
      const target = targetOf(world.sts.at(-1)?.sourceIdentity ?? "");
      made.push({ target, entry: value(await stop(target)).freeze.entry });
      return ok(ASSUMED);
    };
    const answer = await work();
    world.assumeRole = async () => ok(ASSUMED);
    const [freeze] = made;
    if (freeze === undefined) throw new Error("STS was not asked");
    const later = await minting.store.entries({ from: freeze.entry, limit: 100 });
    await lift(freeze.target);
    return { answer, asked: world.sts.length - before, later: later.map(({ kind }) => kind) };
  };

  describe.each<[string, (session: string) => FreezeTarget]>([
    ["the session", (name) => ({ kind: "session", name })],
    ["its agent", () => ({ kind: "agent", name: "orders-ci" })],
    ["everything", () => ({ kind: "all", name: null })],
  ])("%s", (_title, targetOf) => {
    test.each([
      ["a standing session", standing],
      ["a grant's session", granted],
    ])("%s that STS issued is withheld, and stands in the record as never delivered", async (_what, work) => {
      const { answer, asked, later } = await whileStsIsAsked(work, targetOf);
      expect(answer).toMatchObject({ ok: false, error: { code: "session_frozen" } });
      expect(asked).toBe(1);
      expect(later).toContain("session.unknown");
      expect(later).not.toContain("session.issued");
    });
  });

  test("its template: a standing session that STS issued is withheld", async () => {
    const { answer } = await whileStsIsAsked(standing, () => ({ kind: "template", name: "observe" }));
    expect(answer).toMatchObject({ ok: false, error: { code: "session_frozen" } });
  });

  test("what was delivered before it is told with it, and AWS is told to deny it", async () => {
    const { session } = value(await standing());
    const target = { kind: "agent", name: "orders-ci" } as const;
    const { sessions, roles } = value(await stop(target));
    expect(sessions.map(({ id }) => id)).toContain(session.id);
    expect(roles).toContainEqual(expect.objectContaining({ roleArn: session.roleArn, state: "in_force" }));
    expect(world.denied.at(-1)?.document ?? "").toMatch(/tks-/);
    expect(world.denied.some(({ document }) => document?.includes(session.id))).toBe(true);
    const size = world.sts.length;
    expect(await standing()).toMatchObject({ ok: false, error: { code: "frozen", target } });
    expect(world.sts.length).toBe(size);
    await lift(target);
  });
});

test("a broker whose AWS is slow answers a freeze before it has told all roles, and the freeze holds", async () => {
  const world = await startWorld();
  const [replica] = world.replicas;
  const roles = Array.from({ length: 5 }, (_, n) => `arn:aws:iam::111122223333:role/ai-${n}`);
  let now = new Date();
  const told: string[] = [];
  const slow = {
    ...replica.broker,
    policy: {
      ...replica.broker.policy,
      set: {
        ...replica.broker.policy.set,
        accounts: replica.broker.policy.set.accounts.map((account) => ({
          ...account,
          roles: { observer: roles[0] ?? "", operator: roles[1] ?? "", escalated: roles[2] ?? "" },
        })),
      },
    },
    clock: () => now,
    denyOnRole: async ({ roleArn }: { readonly roleArn: string }) => {
      told.push(roleArn);
      now = new Date(now.getTime() + 10_000);
      return "in_force" as const;
    },
  };
  const target = { kind: "all", name: null } as const;
  const answer = value(
    await freeze(slow, { target, reason: "", by: "operator", person: null, requestId: null }),
  );
  expect(told).toHaveLength(1);
  expect(answer.roles.map(({ state }) => state).sort()).toEqual(["in_force", "waiting", "waiting"]);
  await world.close();
});
