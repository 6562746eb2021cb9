/** What `policy check` finds beyond shape: each row spoils the sound set in one place. */
import { expect, test } from "vitest";
import { loadActionTable } from "../../src/adapters/action-data/load.ts";
import { alsoNeeded, examineSet, type Examination } from "../../src/policy/check-set.ts";
import { asFiles, FILES, placeOf, replaceOnce, shipped } from "./fixture.ts";

const table = loadActionTable();
const examine = (files: Readonly<Record<string, string>>): Examination => examineSet(asFiles(files), table);

const LOOK = "templates/look.yaml";
const CHANGE = "templates/change-stack.yaml";

interface Row {
  readonly title: string;
  readonly file: string;
  readonly edits: readonly (readonly [find: string, put: string])[];
  readonly level: "faults" | "warnings";
  /** Where it is reported: text that stands there alone, `|` marks the column. */
  readonly at: string;
  readonly says: string;
  readonly fix: string | null;
}

/** The look template with these statements instead of its own, as YAML below `allow:`. */
const allowing = (yaml: string, more: readonly (readonly [string, string])[] = []): Row["edits"] => [
  [
    '  - Sid: Look\n    Action: [cloudformation:DescribeStacks, cloudformation:ListStacks]\n    Resource: "*"\n',
    yaml,
  ],
  ...more,
];
const STACKS = '  - Sid: Look\n    Action: [cloudformation:DescribeStacks]\n    Resource: "*"\n';
const LISTS = '  - Action: cloudformation:ListStacks\n    Resource: "*"\n';
const OPERATES = [
  ["role: observer", "role: operator"],
  ["intent: observe", "intent: destroy"],
] as const;

const ROWS: readonly Row[] = [
  {
    title: "a misspelt global condition key",
    file: LOOK,
    edits: allowing(
      `${STACKS}${LISTS}    Condition:\n      StringEquals: { "aws:RequestedRegoin": us-east-1 }\n`,
    ),
    level: "faults",
    at: "|us-east-1 }",
    says: "requests of cloudformation carry no condition key `aws:RequestedRegoin`",
    fix: "did you mean `aws:RequestedRegion`?",
  },
  {
    title: "a misspelt tag key's base",
    file: LOOK,
    edits: allowing(
      `${STACKS}${LISTS}    Condition:\n      StringEquals: { "aws:ResourceTags/team": orders }\n`,
    ),
    level: "faults",
    at: "|orders }",
    says: "carry no condition key `aws:ResourceTags/team`",
    fix: "did you mean `aws:ResourceTag/team`?",
  },
  {
    title: "a condition key of a service whose actions the statement does not have",
    file: LOOK,
    edits: allowing(
      `${STACKS}${LISTS}    Condition:\n      StringEquals: { "kms:ViaService": s3.us-east-1.amazonaws.com }\n`,
    ),
    level: "faults",
    at: "|s3.us-east-1.amazonaws.com }",
    says: "requests of cloudformation carry no condition key `kms:ViaService`",
    fix: "remove it",
  },
  {
    title: "a misspelt condition key in an expected decision, which would test nothing",
    file: LOOK,
    edits: [
      [
        '    resource: "*"\n',
        '    resource: "*"\n    context: { "cloudformation:ChangesetNam": twokey-fix }\n',
      ],
    ],
    level: "faults",
    at: "|twokey-fix }",
    says: "carry no condition key `cloudformation:ChangesetNam`",
    fix: "did you mean `cloudformation:ChangeSetName`?",
  },
  {
    title: "a statement that another covers",
    file: LOOK,
    edits: allowing(
      `  - Sid: All\n    Action: cloudformation:DescribeStacks\n    Resource: "*"\n  - Sid: Some\n    Action: cloudformation:DescribeStacks\n    Resource: arn:aws:cloudformation:\${region}:\${account}:stack/orders/*\n`,
    ),
    level: "warnings",
    at: "|Sid: Some",
    says: "everything here is allowed by `All` already",
    fix: "remove the statement",
  },
  {
    title: "one action of a statement that another covers",
    file: LOOK,
    edits: allowing(
      `${STACKS}  - Action: sqs:List*\n    Resource: "*"\n  - Action: [cloudformation:ListStacks, sqs:ListQueues]\n    Resource: "*"\n`,
    ),
    level: "warnings",
    at: "|sqs:ListQueues",
    says: "sqs:ListQueues is allowed by statement 2 already",
    fix: "remove it here",
  },
  {
    title: "an action that its own list covers",
    file: LOOK,
    edits: [
      [
        "[cloudformation:DescribeStacks, cloudformation:ListStacks]",
        "[cloudformation:DescribeStacks, sqs:List*, sqs:ListQueues]",
      ],
    ],
    level: "warnings",
    at: "|sqs:ListQueues]",
    says: "sqs:ListQueues is allowed by sqs:List* already",
    fix: "remove it here",
  },
  {
    title: "an action on a resource it never has",
    file: LOOK,
    edits: allowing(
      `${STACKS}  - Action: dynamodb:DescribeTable\n    Resource: arn:aws:dynamodb:\${region}:\${account}:global-table/orders\n`,
    ),
    level: "warnings",
    at: "|dynamodb:DescribeTable",
    says: "dynamodb:DescribeTable is never allowed by this statement: it works on arn:*:dynamodb:*:*:table/*",
    fix: "move it to a statement with its resource, or remove it",
  },
  {
    title: "an action without resources, on an ARN",
    file: LOOK,
    edits: allowing(`${STACKS}  - Action: s3:ListAllMyBuckets\n    Resource: arn:aws:s3:::orders-staging\n`),
    level: "warnings",
    at: "|s3:ListAllMyBuckets",
    says: 's3:ListAllMyBuckets is never allowed by this statement: it works only on `Resource: "*"`',
    fix: "move it to a statement with its resource, or remove it",
  },
  {
    title: "a condition that contradicts the fence",
    file: LOOK,
    edits: allowing(
      `${STACKS}  - Action: cloudformation:DeleteStack\n    Resource: "*"\n    Condition:\n      StringEquals: { "aws:ResourceTag/environment": production }\n`,
      OPERATES,
    ),
    level: "faults",
    at: "|cloudformation:DeleteStack",
    says: "cloudformation:DeleteStack can never be allowed: the Condition wants aws:ResourceTag/environment to be production, and the fence denies all but staging, sandbox",
    fix: "change the Condition, or remove the action",
  },
  {
    title: "conditions that contradict each other",
    file: LOOK,
    edits: allowing(
      `${STACKS}${LISTS}    Condition:\n      StringEquals: { "aws:RequestedRegion": us-east-1 }\n      StringLike: { "aws:requestedregion": "eu-*" }\n`,
    ),
    level: "faults",
    at: "|cloudformation:ListStacks",
    says: "cloudformation:ListStacks can never be allowed: the Condition wants aws:RequestedRegion to be us-east-1, and the Condition wants aws:requestedregion to be eu-*",
    fix: "change the Condition, or remove the action",
  },
  {
    title: "a template that no agent may ask for",
    file: "agents.yaml",
    edits: [["templates: [look, change-stack]", "templates: [look]"]],
    level: "warnings",
    at: CHANGE,
    says: "no agent may ask for `change-stack`",
    fix: "add it to an agent's `templates` in agents.yaml",
  },
  {
    title: "an approval rule that an earlier one leaves nothing",
    file: "approvals.yaml",
    edits: [
      [
        "    usable: 15m\n",
        "    usable: 15m\n  - templates: [change-stack]\n    accounts: all\n    quorum: 2\n    groups: [platform]\n    evidence: passkey\n    pending: 2h\n    usable: 10m\n",
      ],
    ],
    level: "warnings",
    at: "|templates: [change-stack]\n    accounts: all\n    quorum: 2\n    groups: [platform]\n    evidence: passkey\n    pending: 2h",
    says: "this rule never decides: an earlier one fits wherever it does",
    fix: "put it first, or remove it",
  },
  {
    title: "a policy that is too large with the longest values",
    file: CHANGE,
    edits: [
      [
        "    like: arn:aws:cloudformation:*:*:stack/*/*\n",
        "    like: arn:aws:cloudformation:*:*:stack/*/*\n    max: 4\n",
      ],
    ],
    level: "warnings",
    at: "  |stack:\n",
    says: "with the longest values that the parameters permit the session policy takes",
    fix: "every request fits with `longest: ",
  },
];

test("the set that the rows spoil has neither faults nor warnings", () => {
  const { faults, warnings, served } = examine(FILES);
  expect([faults, warnings]).toEqual([[], []]);
  expect(served).not.toBeNull();
});

test.each(ROWS)("$title is reported where it stands, and alone", ({ file, edits, level, at, says, fix }) => {
  const text = edits.reduce((now, [find, put]) => replaceOnce(now, find, put), FILES[file] ?? "");
  const found = examine({ ...FILES, [file]: text });
  const [one, ...more] = found[level];
  expect(more).toEqual([]);
  expect(level === "faults" ? found.warnings : found.faults).toEqual([]);
  expect(one?.message).toContain(says);
  expect(one?.fix?.slice(0, fix?.length)).toBe(fix);
  if (at === CHANGE) expect(one).toMatchObject({ file: CHANGE, line: 1 });
  else expect(one).toMatchObject({ file, ...placeOf(text, at) });
  expect(found.served === null).toBe(level === "faults");
});

test("an escalation template in an account that no rule covers is a fault", () => {
  const second = (FILES["accounts.yaml"] ?? "").split("accounts:\n")[1] ?? "";
  const found = examine({
    ...FILES,
    "accounts.yaml": `${FILES["accounts.yaml"] ?? ""}${second
      .replaceAll("111122223333", "444455556666")
      .replace(/name: .*/, "name: second")
      .replace(/external_id: .*/, "external_id: second-0123456789")}`,
    "approvals.yaml": replaceOnce(
      FILES["approvals.yaml"] ?? "",
      "accounts: all",
      'accounts: ["111122223333"]',
    ),
  });
  expect(found.faults.map(({ file, message }) => `${file}: ${message}`)).toEqual([
    `${CHANGE}: no rule of approvals.yaml covers \`change-stack\` in account 444455556666: nobody could approve it there`,
  ]);
});

test("a template the compiler refuses hides no failed expectation of another, and of several all are told", () => {
  // Templates are looked at by name: the refused one comes first.
  const refused = replaceOnce(
    FILES[CHANGE] ?? "",
    "Action: cloudformation:ExecuteChangeSet",
    "Action: iam:CreateUser",
  );
  const failing = replaceOnce(FILES[LOOK] ?? "", "decision: allowed", "decision: explicitDeny");
  const again = failing
    .slice(failing.indexOf("  - title: stacks"))
    .replace("stacks can", "stacks really can");
  const { faults } = examine({ ...FILES, [CHANGE]: refused, [LOOK]: `${failing}${again}` });
  const of = (file: string): readonly string[] =>
    faults.filter((fault) => fault.file === file).map(({ message }) => message);
  expect(of(CHANGE).join()).toContain("iam:CreateUser is on the guardrails' floor");
  expect(of(LOOK).map((message) => message.split(",")[0])).toEqual([
    '"stacks can be seen": expected explicitDeny',
    '"stacks really can be seen": expected explicitDeny',
  ]);
});

test("a policy that no values make small enough is a fault", () => {
  const names = Array.from(
    { length: 60 },
    (_, n) => `arn:aws:cloudformation:\${region}:\${account}:stack/a-rather-long-name-${n}/*`,
  );
  const text = allowing(
    `  - Action: cloudformation:DescribeStackEvents\n    Resource:\n${names
      .slice(0, 50)
      .map((arn) => `      - ${arn}\n`)
      .join("")}`,
  ).reduce((now, [find, put]) => replaceOnce(now, find, put), FILES[LOOK] ?? "");
  const { faults, templates } = examine({ ...FILES, [LOOK]: text });
  const size = templates.find(({ name }) => name === "look")?.size;
  // Once in the Allow, once in the Deny that confines it: far over the limit, unless statements may move.
  if (size?.form === "split") expect(size.worst).toBeGreaterThan(2048);
  else expect(faults.map(({ message }) => message).join()).toContain("whatever the values");
});

test("a value longer than its parameter's `longest` is refused, and bounds the size", () => {
  const text = replaceOnce(
    FILES[CHANGE] ?? "",
    "like: arn:aws:cloudformation:*:*:stack/*/*",
    "like: arn:aws:cloudformation:*:*:stack/*/*\n    longest: 60",
  );
  const sizes = [FILES[CHANGE] ?? "", text].map(
    (now) =>
      examine({ ...FILES, [CHANGE]: now }).templates.find(({ name }) => name === "change-stack")?.size
        .worst ?? 0,
  );
  expect(sizes[1]).toBeLessThan(sizes[0] ?? 0);
  const short = replaceOnce(text, "longest: 60", "longest: 59");
  // The case's own stack ARN has 60 characters.
  expect(examine({ ...FILES, [CHANGE]: text }).faults).toEqual([]);
  expect(examine({ ...FILES, [CHANGE]: short }).faults.map(({ message }) => message)).toEqual([
    "`parameters.stack`: at most 59 characters",
  ]);
});

test("reach says what AWS asks for besides an action", () => {
  const needed = (name: string) => alsoNeeded({ pattern: name, actions: [name] }, table);
  // As the service authorization reference lists them.
  expect(needed("cloudformation:DescribeStacks")).toEqual(["cloudformation:ListStacks"]);
  expect(needed("lambda:CreateFunction")).toContain("iam:PassRole");
  expect(needed("sqs:ListQueues")).toEqual([]);
});

test("reach lists every published action of a pattern", () => {
  const text = replaceOnce(FILES[LOOK] ?? "", "cloudformation:ListStacks]", "sqs:List*]");
  const { templates } = examine({ ...FILES, [LOOK]: text });
  const reach = templates.find(({ name }) => name === "look")?.reach;
  expect(reach?.map(({ pattern }) => pattern)).toEqual(["cloudformation:DescribeStacks", "sqs:List*"]);
  expect(reach?.[0]?.actions).toEqual(["cloudformation:DescribeStacks"]);
  // As the SQS API reference lists them.
  expect([...(reach?.[1]?.actions ?? [])].sort()).toEqual([
    "sqs:ListDeadLetterSourceQueues",
    "sqs:ListMessageMoveTasks",
    "sqs:ListQueueTags",
    "sqs:ListQueues",
  ]);
});

test("the shipped set has no warnings, and every template fits with the longest values", () => {
  const { faults, warnings, templates } = examineSet(shipped(), table);
  expect([faults, warnings]).toEqual([[], []]);
  for (const { name, size } of templates)
    expect(size.sent).toBeLessThanOrEqual(name === "stack-service" ? 6144 : 2048);
});
