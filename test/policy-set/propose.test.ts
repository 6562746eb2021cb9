/** `policy init`: what is proposed for words and for CloudTrail's records, what is left out, and why. */
import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parse } from "yaml";
import { loadActionTable } from "../../src/adapters/action-data/load.ts";
import { examineSet } from "../../src/policy/check-set.ts";
import { proposeFor, type ProposalWish, type Proposed } from "../../src/policy/propose/for-folder.ts";
import { shipped } from "./fixture.ts";
import { BUNDLE } from "../support/bundle.ts";

const table = loadActionTable();
const ROOT = join(import.meta.dirname, "..", "..");

function proposed(wish: Partial<ProposalWish>): Proposed {
  const base = { name: "night-job", title: "Night job", accounts: null, read: [], change: [], trail: null };
  const result = proposeFor(shipped(), { ...base, ...wish }, table);
  if (!result.ok) throw new Error(result.error.join("; "));
  return result.value;
}

const event = (source: string, name: string, more: object = {}): object => ({
  eventSource: `${source}.amazonaws.com`,
  eventName: name,
  awsRegion: "us-east-1",
  recipientAccountId: "111122223333",
  ...more,
});
const table1 = (name: string): object => ({ requestParameters: { tableName: name } });

const TRAIL = [
  event("dynamodb", "UpdateItem", table1("orders")),
  event("dynamodb", "UpdateItem", table1("orders-archive")),
  event("dynamodb", "DescribeTable", table1("orders")),
  event("s3", "PutObject", {
    resources: [{ ARN: "arn:aws:s3:::orders-staging/2026/1.json" }, { ARN: "arn:aws:s3:::orders-staging" }],
  }),
  event("s3", "DeleteObject", { resources: [{ ARN: "arn:aws:s3:::orders/2026/1.json" }] }),
  event("monitoring", "ListMetrics"),
  event("lambda", "UpdateFunctionCode20150331v2"),
  event("iam", "CreateUser", { requestParameters: { userName: "x" } }),
  event("sqs", "PurgeQueue", {
    errorCode: "AccessDenied",
    requestParameters: { queueUrl: "https://sqs/1/q" },
  }),
  event("signin", "ConsoleLogin"),
];

interface Written {
  readonly role: string;
  readonly intent: string;
  readonly parameters: Readonly<Record<string, { readonly like: readonly string[] }>>;
  readonly allow: readonly { readonly Action: string | readonly string[]; readonly Resource: string }[];
}
const written = ({ yaml }: Proposed): Written => parse(yaml ?? "") as Written;

test("the template covers what was done, on the resources seen, with their names as parameters", () => {
  const proposal = proposed({ trail: JSON.stringify({ Records: TRAIL }) });
  const { role, parameters, allow } = written(proposal);
  expect(role).toBe("operator");
  expect(parameters).toMatchObject({
    table: { like: ["orders", "orders-archive"] },
    // The name was seen in one bucket; the guardrails leave names that end in -staging.
    bucket: { like: ["*-staging"] },
  });
  expect(allow).toEqual([
    { Sid: "Look", Action: ["cloudwatch:ListMetrics", "dynamodb:DescribeTable"], Resource: "*" },
    { Action: "dynamodb:UpdateItem", Resource: "arn:aws:dynamodb:${region}:${account}:table/${table}" },
    { Action: "s3:PutObject", Resource: "arn:aws:s3:::${bucket}/*" },
  ]);
  expect(proposal.faults).toEqual([]);
});

test("what a session may not do is left out, each with the reason", () => {
  const { refused, denied, unknown } = proposed({
    trail: TRAIL.map((one) => JSON.stringify(one)).join("\n"),
  });
  const reasons = Object.fromEntries(refused.map(({ action, reason }) => [action, reason]));
  expect(Object.keys(reasons).sort()).toEqual([
    "iam:CreateUser",
    "lambda:UpdateFunctionCode",
    "s3:DeleteObject",
  ]);
  expect(reasons["iam:CreateUser"]).toContain("on the guardrails' floor");
  expect(reasons["lambda:UpdateFunctionCode"]).toContain("works as another role");
  expect(reasons["s3:DeleteObject"]).toContain("non_production_arns do not hold orders");
  expect(denied).toEqual(["sqs:PurgeQueue"]);
  expect(unknown).toEqual(["signin:ConsoleLogin"]);
});

test("whatever is proposed passes policy check, whatever was wished for", () => {
  const services = ["sqs", "dynamodb", "ecs", "sns", "kinesis", "logs", "cloudformation", "s3", "ec2", "rds"];
  for (const service of services) {
    const writes = table.actions(service).filter(({ accessLevels }) => accessLevels.includes("Write"));
    const { yaml, faults, covered, refused } = proposed({
      change: writes.slice(0, 12).map(({ name }) => name),
    });
    expect(faults.filter(({ message }) => !/characters|too_large/.test(message))).toEqual([]);
    for (const { name } of writes.slice(0, 12)) {
      expect([...covered, ...refused.map(({ action }) => action)]).toContain(name);
    }
    if (yaml !== null) expect(covered.length).toBeGreaterThan(0);
  }
});

test("an event's text never becomes more than a name", () => {
  for (const name of ["*", "a*", "${account}", 'x","Action":"*', "../x", "\u202ex"]) {
    const { yaml, faults } = proposed({
      trail: JSON.stringify([event("dynamodb", "UpdateItem", table1(name))]),
    });
    expect(faults).toEqual([]);
    const { allow, parameters } = written({ yaml } as Proposed);
    expect(allow.map(({ Resource }) => Resource)).toEqual([
      "arn:aws:dynamodb:${region}:${account}:table/${table}",
    ]);
    expect(parameters["table"]?.like).toHaveLength(1);
    expect(["*", "x"]).toContain(parameters["table"]?.like[0]);
  }
});

test("KMS calls that a service forwarded are allowed through that service alone", () => {
  const trail = JSON.stringify([
    event("kms", "Decrypt", {
      userIdentity: { invokedBy: "dynamodb.amazonaws.com" },
      resources: [{ ARN: "arn:aws:kms:us-east-1:111122223333:key/1" }],
    }),
  ]);
  const { allow } = written(proposed({ trail }));
  expect(allow[0]).toMatchObject({
    Action: "kms:Decrypt",
    Condition: { StringEquals: { "kms:ViaService": "dynamodb.${region}.amazonaws.com" } },
  });
});

test("a wish that AWS does not know is told with a guess", () => {
  const base = { name: "x", title: "x", accounts: null, trail: null };
  const result = proposeFor(shipped(), { ...base, read: ["sqz"], change: ["sqs:PurgeQeue"] }, table);
  expect(result.ok ? [] : result.error).toEqual([
    expect.stringMatching(/^AWS has no service sqz: did you mean `sq[bs]`\?$/),
    "there is no action sqs:PurgeQeue: did you mean `sqs:PurgeQueue`?",
  ]);
  const bad = proposeFor(shipped(), { ...base, read: [], change: [], trail: '{"a":1}' }, table);
  expect(bad.ok ? [] : bad.error).toEqual([
    "record 1 is not a CloudTrail record: it needs eventSource and eventName",
  ]);
});

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), "twokey-propose-"));
  cpSync(join(ROOT, "policies"), join(root, "policies"), { recursive: true });
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

const twokey = (
  ...words: string[]
): Promise<{ readonly code: number; readonly out: string; readonly err: string }> =>
  new Promise((resolve) => {
    const args = [BUNDLE, "policy", "init", ...words];
    const child = execFile(process.execPath, args, { cwd: root }, (_, out, err) => {
      resolve({ code: child.exitCode ?? -1, out, err });
    });
    child.stdin?.end();
  });

test("the command writes the file once, never over another, and what it wrote passes check", async () => {
  const first = await twokey("requeue", "--read", "sqs", "--change", "sqs:StartMessageMoveTask");
  expect(first.out).toContain("It passes policy check.");
  expect(first.code).toBe(0);
  const path = join(root, "policies", "templates", "requeue.yaml");
  const text = readFileSync(path, "utf8");
  const others = shipped().filter(({ name }) => name !== "templates/requeue.yaml");
  expect(examineSet([...others, { name: "templates/requeue.yaml", text }], table).faults).toEqual([]);

  writeFileSync(path, `${text}# mine\n`);
  const second = await twokey("requeue", "--read", "sqs");
  expect([second.code, second.err]).toEqual([1, expect.stringContaining("is there already")]);
  expect(readFileSync(path, "utf8")).toBe(`${text}# mine\n`);
});

test("--stdout writes nothing, --json is data, and no wish without a terminal is wrong usage", async () => {
  const shown = await twokey("other", "--change", "sqs:PurgeQueue", "--stdout", "--json");
  expect(JSON.parse(shown.out)).toMatchObject({ ok: true, path: null, covered: ["sqs:PurgeQueue"] });
  expect((await twokey("other", "--change", "iam:CreateUser")).code).toBe(1);
  expect((await twokey("other")).code).toBe(2);
  expect((await twokey("../other", "--read", "sqs")).code).toBe(2);
});
