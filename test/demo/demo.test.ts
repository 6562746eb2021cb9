/** The demo as a newcomer runs it: that it shows what it says, can fail, and leaves a machine as it found it. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { StoredEntry } from "../../src/audit/entry.ts";
import type { Step } from "../../src/cli/demo/replay.ts";
import { hasBoto3, PYTHON } from "../client/programs.ts";
import { replaceOnce } from "../policy-set/fixture.ts";
import { hasAws, newcomer, packageCopy, serveDemo, start, type Ended, type Running } from "./program.ts";
import { BUNDLE } from "../support/bundle.ts";

interface Report {
  readonly steps: readonly Step[];
  readonly audit: readonly StoredEntry[];
}

/** From the issue: what the replay must show, in its order. */
const INCIDENT = [
  ["investigate-production", "works"],
  ["delete-production", "AccessDenied"],
  ["strip-the-tag", "AccessDenied"],
  ["hop-to-another-role", "AccessDenied"],
  ["delete-untagged", "AccessDenied"],
  ["repair-staging", "works"],
  ["propose-for-production", "works"],
  ["execute-on-production", "AccessDenied"],
];

/** And what two keys must show. */
const TWO_KEYS = [
  ["ask-for-two-keys", "works"],
  ["approved-by-orders-lead", "owner_cannot_approve"],
  ["approved-by-platform-engineer", "works"],
  ["one-key-is-not-enough", "authorization_pending"],
  ["approved-by-security-engineer", "works"],
  ["execute-another", "AccessDenied"],
  ["update-with-the-grant", "AccessDenied"],
  ["delete-with-the-grant", "AccessDenied"],
  ["execute-the-approved", "works"],
  ["mint-again", "grant_used"],
];

describe("demo --once --json", () => {
  let ended: Ended;
  let report: Report;
  const place = newcomer();
  const left = join(place.folder, ".twokey/demo.env");
  beforeAll(async () => {
    // As after `kill -9`: a lock whose process is dead, and an environment that leads nowhere.
    mkdirSync(join(place.folder, ".twokey/demo"), { recursive: true, mode: 0o700 });
    const lock = { pid: spawnSync("true").pid, host: hostname(), started: "1" };
    writeFileSync(join(place.folder, ".twokey/demo/owner.lock"), JSON.stringify(lock));
    writeFileSync(left, "export AWS_ENDPOINT_URL='http://127.0.0.1:1'\n");
    ended = await start(process.execPath, [BUNDLE, "demo", "--once", "--json"], place).ended;
    report = JSON.parse(ended.out) as Report;
  });

  test("exits 0 with nothing on stderr", () => {
    expect(ended).toMatchObject({ code: 0, err: "" });
  });

  test("starts where a demo was killed, whose demo.env goes", () => {
    expect(existsSync(left)).toBe(false);
  });

  test("shows the incident and the two keys step by step, each ending as it should", () => {
    expect(report.steps.map(({ step, expected }) => [step, expected])).toEqual([...INCIDENT, ...TWO_KEYS]);
    expect(report.steps.filter(({ ok }) => !ok)).toEqual([]);
  });

  test("every refusal by AWS is its own text and names the session policy", () => {
    const refusals = report.steps.filter(({ expected }) => expected === "AccessDenied");
    expect(refusals).toHaveLength(8);
    for (const { answer } of refusals) {
      expect(answer).toMatch(
        /^AccessDenied: User: arn:aws:sts::111122223333:assumed-role\/ai-(?:operator|escalated)\/orders-agent-/,
      );
      expect(answer).toMatch(/ is not authorized to perform: \w+:\w+ on resource: arn:aws:/);
      expect(answer).toMatch(/ with an explicit deny in a session policy$/);
    }
  });

  test("every entry about a session names the agent and its owner", () => {
    const sessions = report.audit.filter(({ session }) => session !== null);
    const minted = ["session.intent", "session.issued"];
    expect(sessions.map(({ kind }) => kind)).toEqual([
      // observe, staging-deploy, propose-change twice, and the broker's own look at the change set.
      ...[...minted, ...minted, ...minted, ...minted, ...minted],
      ...["escalation.changed", ...minted],
    ]);
    for (const { owner } of sessions) expect(owner).toBe("orders-lead");
    expect(new Set(sessions.map(({ agent }) => agent))).toEqual(new Set(["orders-agent", "twokey"]));
  });

  test("the record alone proves what the two people approved", async () => {
    const id = report.audit.find(({ kind }) => kind === "escalation.requested")?.escalation ?? "";
    const words = ["escalation", "verify", id, "--data-dir", ".twokey/demo/data", "--json"];
    const verified = await start(process.execPath, [BUNDLE, ...words], place).ended;
    expect(verified).toMatchObject({ code: 0, err: "" });
  });
});

test("a step that does not end as it should is shown with ✗, and the demo exits 1", async () => {
  const { bundle, policies } = packageCopy();
  const file = join(policies, "templates/observe.yaml");
  // Everything of stacks but their events.
  const text = readFileSync(file, "utf8").replaceAll(
    / +- cloudformation:DescribeStack(?:\*|s|Events)\n/g,
    "",
  );
  writeFileSync(
    file,
    replaceOnce(text, "    Action:\n", "    Action:\n      - cloudformation:DescribeStacks\n"),
  );
  const ended = await start(process.execPath, [bundle, "demo", "--once"], newcomer()).ended;
  expect(ended.code).toBe(1);
  expect(ended.out).toMatch(
    /✗ 1\. Look into production.*\n.*should work\n +AccessDenied: .*DescribeStackEvents/,
  );
  expect(ended.out.match(/^✗/gm)).toHaveLength(1);
});

describe("demo --serve", () => {
  const place = newcomer();
  const envFile = join(place.folder, ".twokey/demo.env");
  let demo: Running;

  beforeAll(async () => {
    // What a person has: a default profile with keys.
    mkdirSync(join(place.env["HOME"] ?? "", ".aws"));
    writeFileSync(
      join(place.env["HOME"] ?? "", ".aws/credentials"),
      "[default]\naws_access_key_id = AKIAPERSON\naws_secret_access_key = person\n",
    );
    writeFileSync(
      join(place.env["HOME"] ?? "", ".aws/config"),
      "[default]\nregion = eu-west-1\n[profile person]\nregion = eu-west-1\n",
    );
    demo = await serveDemo(place);
  });
  afterAll(async () => {
    demo.child.kill("SIGKILL");
    await demo.ended;
  });

  /** In a shell that has a person's credentials, as `source` finds them. */
  const shell = (script: string): Promise<Ended> =>
    start("bash", ["-c", `source .twokey/demo.env\n${script}`], {
      folder: place.folder,
      env: {
        ...place.env,
        AWS_ACCESS_KEY_ID: "AKIAPERSON",
        AWS_SECRET_ACCESS_KEY: "person",
        AWS_SESSION_TOKEN: "person",
        AWS_PROFILE: "person",
      },
    }).ended;

  test("writes demo.env for its user alone, with the five variables", () => {
    expect(statSync(envFile).mode & 0o777).toBe(0o600);
    expect(statSync(join(place.folder, ".twokey")).mode & 0o777).toBe(0o700);
    const text = readFileSync(envFile, "utf8");
    for (const name of [
      "AWS_ENDPOINT_URL",
      "AWS_REGION",
      "AWS_CONTAINER_CREDENTIALS_FULL_URI",
      "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
      "TWOKEY_URL",
    ])
      expect(text).toMatch(new RegExp(`^export ${name}='.+'$`, "m"));
  });

  // In this order: each deletes what the issue says it may, and then it is gone.
  test.skipIf(!hasBoto3)(
    "boto3 sees three stacks and may change none that counts as production (skipped without boto3)",
    async () => {
      const { code, out, err } = await shell(`'${PYTHON}' -c '
import boto3
from botocore.exceptions import ClientError
cloudformation = boto3.client("cloudformation")
print(*sorted(stack["StackName"] for stack in cloudformation.describe_stacks()["Stacks"]))
for name in ["production", "untagged"]:
    try:
        cloudformation.delete_stack(StackName="orders-" + name)
        print("deleted")
    except ClientError as error:
        print(error.response["Error"]["Code"], "session policy" in str(error))
print(boto3.client("sts").get_caller_identity()["Arn"])
cloudformation.update_stack(StackName="orders-staging", UsePreviousTemplate=True, RoleARN="arn:aws:iam::111122223333:role/twokey/ai-stack-service", Tags=[{"Key": "environment", "Value": "staging"}, {"Key": "seen", "Value": "yes"}])
'`);
      expect(err).toBe("");
      expect(out.split("\n")).toEqual([
        "orders-production orders-staging orders-untagged",
        "AccessDenied True",
        "AccessDenied True",
        expect.stringMatching(/^arn:aws:sts::111122223333:assumed-role\/ai-operator\/orders-agent-/),
        "",
      ]);
      expect(code).toBe(0);
    },
  );

  test.skipIf(!hasAws)("the AWS CLI may delete staging and nothing else (skipped without aws)", async () => {
    const { out, err } = await shell(`
aws cloudformation describe-stacks --query 'sort(Stacks[].StackName)' --output text
for name in production untagged staging; do
  aws cloudformation delete-stack --stack-name orders-$name
  echo "$name $?"
done
aws cloudformation describe-stacks --query 'sort(Stacks[].StackName)' --output text`);
    expect(out.split("\n")).toEqual([
      "orders-production\torders-staging\torders-untagged",
      expect.stringMatching(/^production [^0]/),
      expect.stringMatching(/^untagged [^0]/),
      "staging 0",
      "orders-production\torders-untagged",
      "",
    ]);
    expect(err.match(/\(AccessDenied\) when calling the DeleteStack operation/g)).toHaveLength(2);
  });

  test("a second demo in the folder says why not and leaves the first one's files", async () => {
    const second = await start(process.execPath, [BUNDLE, "demo", "--once"], place).ended;
    expect(second).toMatchObject({ code: 1, out: "" });
    expect(second.err).toMatch(
      /^twokey: a demo runs in this folder already; end it, or start this one in another/,
    );
    expect(second.err).toContain(`process ${demo.child.pid}`);
    expect(existsSync(join(place.folder, ".twokey/demo/orders-agent.key.json"))).toBe(true);
    expect((await shell('cat "$AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"')).out).toMatch(/^[\w-]{43}$/);
    const [, url = ""] = /TWOKEY_URL='(.*)'/.exec(readFileSync(envFile, "utf8")) ?? [];
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
  });

  test("SIGTERM ends it with 0 and takes demo.env and the token away", async () => {
    demo.child.kill("SIGTERM");
    expect(await demo.ended).toMatchObject({ code: 0, err: "" });
    expect(existsSync(envFile)).toBe(false);
    expect(existsSync(join(place.folder, ".twokey/demo/staging-deploy.token"))).toBe(false);
  });
});
