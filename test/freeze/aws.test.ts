/** What is frozen ends in AWS: the record, the enforcement and the adapter together, on local-aws by real clients. */
import { ListStacksCommand } from "@aws-sdk/client-cloudformation";
import { GetRolePolicyCommand, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import { onTestFinished, expect, test, describe } from "vitest";
import { createDenyOnRole } from "../../src/adapters/aws/deny-on-role.ts";
import { openAuditLog, type Store } from "../../src/adapters/postgres/audit-log.ts";
import { enforceFreezes } from "../../src/flows/enforce-freezes.ts";
import type { FreezeTarget } from "../../src/identity/freeze.ts";
import { DENIAL_POLICY, type DenyOnRole } from "../../src/session/denial.ts";
import {
  ADMIN_KEYS,
  allow,
  assume,
  document,
  OPERATOR,
  startWorld as startAws,
  trust,
  BROKER,
  type TestWorld,
} from "../local-aws/world.ts";
import { agentOf, ALL, delivered, fresh, frozen, sessionOf, templateOf, thawing } from "../store/freezes.ts";

const OBSERVER = "arn:aws:iam::111122223333:role/observer";
const LIMIT = 10_240;

interface Scene {
  readonly aws: TestWorld;
  readonly log: Store;
  /** Tells AWS what is due, as a broker does. */
  readonly enforce: (deny?: DenyOnRole, clock?: () => Date) => Promise<void>;
  /** Recorded, minted by STS, delivered. Answers what its next call gets: `ok`, or AWS's code. */
  readonly session: (changes?: Parameters<typeof delivered>[1]) => Promise<{
    readonly id: string;
    readonly agent: string;
    readonly call: () => Promise<string>;
  }>;
  readonly thaw: (target: FreezeTarget) => Promise<void>;
}

async function scene(): Promise<Scene> {
  const aws = await startAws((account) => ({
    ...account,
    roles: [
      ...(account.roles ?? []),
      { name: "observer", trust: document(trust(BROKER)), inline: { all: document(allow("*")) } },
    ],
  }));
  const log = await openAuditLog({ url: null, folder: null });
  onTestFinished(() => log.close());
  const denyOnRole = createDenyOnRole({ endpoint: aws.url, credentials: ADMIN_KEYS });
  return {
    aws,
    log,
    enforce: (deny = denyOnRole, clock = () => new Date()) =>
      enforceFreezes({
        freezes: log.freezes,
        denyOnRole: deny,
        accounts: [],
        policyVersion: "b".repeat(64),
        clock,
      }),
    session: async (changes = {}) => {
      const { id, agent, roleArn } = await delivered(log, {
        agent: fresh("agent"),
        roleArn: OPERATOR,
        ...changes,
      });
      const keys = await assume(aws.sts(), { SourceIdentity: id, RoleArn: roleArn });
      const client = aws.cloudformation(keys);
      const call = () =>
        client.send(new ListStacksCommand({})).then(
          () => "ok",
          (error: unknown) => (error as Error).name,
        );
      return { id, agent, call };
    },
    thaw: async (target) => {
      const quorum = target.kind === "all" ? 2 : 1;
      for (const person of ["platform-engineer", "security-engineer"].slice(0, quorum))
        await log.freezes.thaw(target, thawing(person, { quorum }));
    },
  };
}

const policyOn = async ({ aws }: Scene, RoleName = "operator"): Promise<string> =>
  decodeURIComponent(
    (await aws.iam().send(new GetRolePolicyCommand({ RoleName, PolicyName: DENIAL_POLICY })))
      .PolicyDocument ?? "",
  );

test("a frozen session's next call is denied, another session of the role goes on, and thawed it works again", async () => {
  const here = await scene();
  const [one, two] = [await here.session(), await here.session()];
  expect([await one.call(), await two.call()]).toEqual(["ok", "ok"]);
  await frozen(here.log, sessionOf(one.id));
  await here.enforce();
  expect([await one.call(), await two.call()]).toEqual(["AccessDenied", "ok"]);
  expect(await here.log.freezes.roles()).toMatchObject([{ roleArn: OPERATOR, state: "in_force" }]);

  await here.thaw(sessionOf(one.id));
  await here.enforce();
  expect([await one.call(), await two.call()]).toEqual(["ok", "ok"]);
  // The policy is gone, and not left there empty.
  await expect(policyOn(here)).rejects.toThrow(/cannot be found/);
});

test.each(["agent", "template"] as const)(
  "a frozen %s ends its sessions and no other; thawed, a new one works and the older stay denied",
  async (kind) => {
    const here = await scene();
    const own = { agent: fresh("agent"), template: fresh("template") };
    const target = kind === "agent" ? agentOf(own.agent) : templateOf(own.template);
    const [one, two] = [await here.session(own), await here.session(own)];
    const other = await here.session();
    await frozen(here.log, target);
    await here.enforce();
    expect([await one.call(), await two.call(), await other.call()]).toEqual([
      "AccessDenied",
      "AccessDenied",
      "ok",
    ]);
    await here.thaw(target);
    await here.enforce();
    const newer = await here.session(own);
    expect([await newer.call(), await one.call()]).toEqual(["ok", "AccessDenied"]);
  },
);

test("frozen everything ends every older session of every AI role, and thawed a newer one works", async () => {
  const here = await scene();
  const older = [await here.session(), await here.session({ roleArn: OBSERVER })];
  await frozen(here.log, ALL, { roles: [OPERATOR, OBSERVER] });
  await here.enforce();
  expect(await Promise.all(older.map((session) => session.call()))).toEqual(["AccessDenied", "AccessDenied"]);
  expect((await here.log.freezes.roles()).map(({ roleArn, form }) => [roleArn, form])).toEqual([
    [OBSERVER, "everyone"],
    [OPERATOR, "everyone"],
  ]);
  await here.thaw(ALL);
  await here.enforce();
  // Past the margin for answers of STS that were under way.
  here.aws.advance(60);
  const newer = await here.session();
  expect([await newer.call(), await older[0]?.call()]).toEqual(["ok", "AccessDenied"]);
});

test("what is over is dropped from the policy when it is written again", async () => {
  const here = await scene();
  const [over, live] = [await here.session(), await here.session({ durationSeconds: 3_600 })];
  await frozen(here.log, sessionOf(over.id));
  await here.enforce();
  expect(await policyOn(here)).toContain(over.id);
  await frozen(here.log, sessionOf(live.id));
  // 900 seconds and the margin are over, an hour is not.
  await here.enforce(undefined, () => new Date(Date.now() + 1_800_000));
  const text = await policyOn(here);
  expect([text.includes(over.id), text.includes(live.id)]).toEqual([false, true]);
});

describe("within the characters a role's inline policies have", () => {
  const freezeMany = async (here: Scene, count: number) => {
    const own = { agent: fresh("agent") };
    const kept = await here.session(own);
    await Promise.all(
      Array.from({ length: count }, () => delivered(here.log, { ...own, roleArn: OPERATOR })),
    );
    await frozen(here.log, agentOf(own.agent));
    return kept;
  };

  test("200 sessions are named one by one", async () => {
    const here = await scene();
    const kept = await freezeMany(here, 199);
    const other = await here.session();
    await here.enforce();
    const text = await policyOn(here);
    expect(text.match(/tks-/g)).toHaveLength(200);
    expect(text.length).toBeLessThan(LIMIT);
    expect([await kept.call(), await other.call()]).toEqual(["AccessDenied", "ok"]);
  });

  test("more than fit end every older session of the role instead, and it is said", async () => {
    const here = await scene();
    const kept = await freezeMany(here, 400);
    const innocent = await here.session();
    await here.enforce();
    expect((await policyOn(here)).length).toBeLessThan(LIMIT);
    expect([await kept.call(), await innocent.call()]).toEqual(["AccessDenied", "AccessDenied"]);
    expect(await here.log.freezes.roles()).toMatchObject([{ state: "in_force", form: "everyone" }]);
    here.aws.advance(60);
    expect(await (await here.session()).call()).toBe("ok");
  });

  test("a role whose other policies take the room gets the short form at once", async () => {
    const here = await scene();
    const kept = await freezeMany(here, 150);
    const long = Array.from(
      { length: 130 },
      (_, n) => `arn:aws:s3:::a-bucket-with-a-long-name-${n}/${"x".repeat(20)}`,
    );
    const PolicyDocument = JSON.stringify(document(allow("s3:GetObject", long)));
    await here.aws
      .iam()
      .send(new PutRolePolicyCommand({ RoleName: "operator", PolicyName: "theirs", PolicyDocument }));
    await here.enforce();
    expect(await here.log.freezes.roles()).toMatchObject([{ state: "in_force", form: "everyone" }]);
    expect(await kept.call()).toBe("AccessDenied");
  });
});

describe("what AWS does not take", () => {
  test("fails with AWS's word, keeps the freeze, and is in force when AWS takes it later", async () => {
    const here = await scene();
    const { id, call } = await here.session();
    await frozen(here.log, sessionOf(id));
    const nobody = createDenyOnRole({ endpoint: "http://127.0.0.1:1", credentials: ADMIN_KEYS });
    await here.enforce(nobody);
    expect(await here.log.freezes.roles()).toMatchObject([{ state: "failed", since: null }]);
    expect((await here.log.session(id))?.frozenAt).not.toBeNull();
    expect(await call()).toBe("ok");
    // More is wanted, which does not wait for the pause after a failure.
    const another = await here.session();
    await frozen(here.log, sessionOf(another.id));
    await here.enforce();
    expect([await call(), await another.call()]).toEqual(["AccessDenied", "AccessDenied"]);
  });

  test("a role that is not there is told in AWS's words, and does not keep the others waiting", async () => {
    const here = await scene();
    const older = await here.session();
    await frozen(here.log, ALL, { roles: [`${OPERATOR}-none`, OPERATOR] });
    await here.enforce();
    const [there, none] = await here.log.freezes.roles();
    expect([there?.state, none?.state]).toEqual(["in_force", "failed"]);
    expect(none?.message).toMatch(/^NoSuchEntity/);
    expect(await older.call()).toBe("AccessDenied");
  });

  test("a role of the same name in another account is left alone, and it is said that it is out of reach", async () => {
    const here = await scene();
    const older = await here.session();
    await frozen(here.log, ALL, { roles: [OPERATOR.replace("111122223333", "444455556666")] });
    await here.enforce();
    expect(await here.log.freezes.roles()).toMatchObject([
      { state: "failed", message: "the broker's own credentials are not of the role's account" },
    ]);
    expect(await older.call()).toBe("ok");
    await expect(policyOn(here)).rejects.toThrow(/cannot be found/);
  });
});

test("a policy that somebody spoilt is written whole when it is written", async () => {
  const here = await scene();
  const PolicyDocument = JSON.stringify(document({ Effect: "Deny", Action: "s3:*", Resource: "*" }));
  await here.aws
    .iam()
    .send(new PutRolePolicyCommand({ RoleName: "operator", PolicyName: DENIAL_POLICY, PolicyDocument }));
  const { id, call } = await here.session();
  await frozen(here.log, sessionOf(id));
  await here.enforce();
  expect(await policyOn(here)).toContain(id);
  expect(await call()).toBe("AccessDenied");
});

test("sessions that are frozen at the same moment by many all stay denied", async () => {
  const here = await scene();
  const sessions = await Promise.all(Array.from({ length: 8 }, () => here.session()));
  await Promise.all(
    sessions.map(async ({ id }) => {
      await frozen(here.log, sessionOf(id));
      await here.enforce();
    }),
  );
  // Whoever came to a role that another was telling left it to the other; this is the loop's next round.
  await here.enforce();
  expect(new Set(await Promise.all(sessions.map(({ call }) => call())))).toEqual(new Set(["AccessDenied"]));
});

test("nothing is told where nothing is to be denied: AWS is not asked about roles that never denied anybody", async () => {
  const here = await scene();
  const asked: string[] = [];
  const watch: DenyOnRole = async ({ roleArn }) => {
    asked.push(roleArn);
    return "in_force";
  };
  await frozen(here.log, agentOf(fresh("agent")));
  await here.enforce(watch);
  expect(asked).toEqual([]);
});
