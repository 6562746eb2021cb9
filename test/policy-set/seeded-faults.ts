/**
 * Faults a security team could make, one a row: what is changed in a set without faults, where the fault must be
 * reported, and what must be said. `at` is text of the changed file; the fault starts where
 * it does, or at the bar in it.
 */
export interface SeededFault {
  readonly file: string;
  readonly find: string;
  readonly put: string;
  readonly at: string;
  readonly says: string;
  readonly fix?: string;
}

const inFile =
  (file: string) =>
  (find: string, put: string, at: string, says: string, fix?: string): SeededFault => ({
    ...{ file, find, put, at, says },
    ...(fix === undefined ? {} : { fix }),
  });

const guardrails = inFile("guardrails.yaml");
const accounts = inFile("accounts.yaml");
const people = inFile("people.yaml");
const agents = inFile("agents.yaml");
const approvals = inFile("approvals.yaml");
/** Lines above the rules. Only one of these fits into a set: after it, the list begins otherwise. */
const aboveRules = (lines: string, at: string, says: string, fix?: string): SeededFault =>
  approvals("rules:\n", `${lines}\nrules: # the first that fits decides\n`, at, says, fix);
/** A set whose changes are approved, by a faulty rule. */
const activation = (rule: string, at: string, says: string, fix?: string): SeededFault =>
  aboveRules(`activation: approval\nactivation_rule: ${rule}`, at, says, fix);
const look = inFile("templates/look.yaml");
const change = inFile("templates/change-stack.yaml");
const reader = inFile("templates/read-change-set.yaml");

const ROLE = "arn:aws:iam::111122223333:role/twokey/";

export const SEEDED_FAULTS: readonly SeededFault[] = [
  // guardrails.yaml
  guardrails("tag: environment", "tag: aws:environment", "aws:environment", "not yours to set"),
  guardrails("tag: environment", 'tag: "env*"', '"env*"', "not a tag key"),
  guardrails("  tag:", "  tagg:", "tagg", "unknown key `tagg`", "did you mean `tag`?"),
  guardrails(
    "non_production: [staging, sandbox]",
    "non_production: [staging, sandbox, Production]",
    "Production]",
    "reads as production",
  ),
  guardrails("[staging, sandbox]", "[staging, sandbox, live]", "live", "reads as production"),
  guardrails("[staging, sandbox]", "[staging, sandbox, Staging]", "Staging]", "stands here twice"),
  guardrails("arn:aws:s3:::*-staging", "arn:aws:s3:::*", "arn:aws:s3:::*", "says too little"),
  guardrails("arn:aws:s3:::*-staging", "my-bucket", "my-bucket", "not an ARN pattern"),
  guardrails("  - iam:Put*\n", "", "floor", "the floor must hold `iam:Put*`", "add the line `- iam:Put*`"),
  guardrails(
    "sts:AssumeRoot\n",
    "sts:AssumeRot\n  - sts:AssumeRoot\n",
    "sts:AssumeRot\n",
    "no action `sts:AssumeRot`",
    "did you mean `sts:AssumeRoot`?",
  ),
  guardrails("  - account:*", "  - account:*\n  - '*'", "'*'", "every action of AWS"),
  // accounts.yaml
  accounts('"111122223333"', "111122223333", "111122223333\n", "is a number", 'quote it: "111122223333"'),
  accounts('"111122223333"', "012345678901", "012345678901", "is a number", 'quote it: "012345678901"'),
  accounts("us-east-1", "us-east", "us-east", "not a region", "such as us-east-1"),
  accounts("twokey-demo", "x", "x\n", "not an external id"),
  accounts(
    `${ROLE}ai-operator`,
    "arn:aws:iam::444455556666:role/ai",
    "arn:aws:iam::4",
    "of account 444455556666, not of 111122223333",
  ),
  accounts(`${ROLE}ai-operator`, `${ROLE}*`, `${ROLE}*`, "not the ARN of a role"),
  accounts(
    `${ROLE}ai-escalated`,
    `${ROLE}ai-operator`,
    `${ROLE}ai-operator\n    service`,
    "already `roles.operator`",
  ),
  accounts(
    `sandbox: ${ROLE}stack-service`,
    `sandbox: ${ROLE}production-service`,
    `sandbox: |${ROLE}production-service`,
    "already `service_roles.production`",
  ),
  accounts(`      staging: ${ROLE}stack-service\n`, "", "service_roles", "no service role for `staging`"),
  accounts(
    `      production: ${ROLE}production-service\n`,
    "",
    "service_roles",
    "no service role for `production`",
  ),
  accounts(
    "      sandbox:",
    `      sandbx: ${ROLE}stack-service\n      sandbox:`,
    "sandbx",
    "not an environment",
    "did you mean `sandbox`?",
  ),
  accounts("    name: demo\n", "", 'id: "111122223333"', "`name` is missing"),
  // people.yaml
  people("id: platform-two", "id: platform-one", "platform-one\n    name: Second", "the same `id`"),
  people(
    "subject: platform-two",
    "subject: platform-one",
    "platform-two\n    name: Second platform engineer\n    groups: [platform]\n    identities:\n      - |{",
    "already belongs to `platform-one`",
  ),
  people(
    "id: orders-lead",
    "id: orders-lead\n    nam: x",
    "nam: x",
    "unknown key `nam`",
    "did you mean `name`?",
  ),
  // agents.yaml
  agents(
    "    audience: https://twokey.example.com\n    algorithms",
    "    algorithms",
    "id: github",
    "without `audience` would accept tokens made for anybody",
  ),
  agents("[RS256]", "[HS256]", "HS256", "`HS256` would let anybody sign"),
  agents("[RS256]", "[RS256, none]", "none", "`none` would let anybody sign"),
  agents(
    "https://token.actions.githubusercontent.com",
    "http://token.actions.githubusercontent.com",
    "http://token",
    "not an https address",
  ),
  agents(
    "    audience: https://twokey.example.com\n    algorithms",
    "    jwks_uri: https://169.254.169.254/keys\n    audience: https://twokey.example.com\n    algorithms",
    "https://169",
    "not an https address",
  ),
  agents(
    "max_age: 10m",
    "max_age: 10 minutes",
    "10 minutes",
    "not a duration",
    "write it as 15m, 1h or 900 (seconds)",
  ),
  agents("kind: oidc", "kind: oidcc", "oidcc", "must be one of: oidc, enrolled", "did you mean `oidc`?"),
  agents(
    "\nagents:",
    "\n  - { id: github, kind: enrolled, issuer: x, audience: y, max_age: 60s }\nagents:",
    "{ id: |github",
    "the same `id`",
  ),
  agents("name: orders-ci", "name: --help", "--help", "not an agent's name"),
  agents("name: orders-ci", "name: ../x", "../x", "not an agent's name"),
  agents(
    "name: laptop",
    "name: orders-ci",
    "orders-ci\n    owner: orders-lead\n    issuer: enrolled",
    "the same `name`",
  ),
  agents(
    "owner: orders-lead\n    issuer: github",
    "owner: order-lead\n    issuer: github",
    "order-lead",
    "owner `order-lead` is not in people.yaml",
    "did you mean `orders-lead`?",
  ),
  agents("issuer: github", "issuer: gihtub", "gihtub", "no issuer `gihtub`", "did you mean `github`?"),
  agents("[look, change-stack]", "[lok, change-stack]", "lok,", "no template `lok`", "did you mean `look`?"),
  agents("heads/main", "heads/rel*", "repo:example", "`*`"),
  agents("repository_owner: example-org", 'repository_owner: ""', '""', ""),
  agents(
    "    subject: repo:example-org/orders:ref:refs/heads/main\n",
    "",
    "name: orders-ci",
    "`subject` is missing",
  ),
  agents(
    "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
    "APrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
    "APrK",
    "not the thumbprint",
  ),
  agents(
    "issuer: enrolled\n    keys",
    "issuer: enrolled\n    subject: someone\n    keys",
    "subject: someone",
    "the subject of an enrolled agent is its name",
  ),
  // approvals.yaml
  approvals("quorum: 2", "quorum: 1", "1\n", "two people at least", "quorum: 2"),
  approvals("quorum: 2", "quorum: 3", "3\n", "only 2 may decide"),
  approvals(
    "[platform]",
    "[plattform]",
    "plattform",
    "nobody in people.yaml is in `plattform`",
    "did you mean `platform`?",
  ),
  approvals("[change-stack]", "[change-stack, look]", "look", "standing template"),
  approvals(
    "[change-stack]",
    "[change-stack, change-stak]",
    "change-stak]",
    "no template `change-stak`",
    "did you mean `change-stack`?",
  ),
  approvals(
    "accounts: all",
    'accounts: ["999900001111"]',
    '"999',
    "account 999900001111 is not in accounts.yaml",
  ),
  approvals("evidence: passkey", "evidence: email", "email", "must be"),
  approvals("usable: 15m", "usable: 2h", "2h", "longer than 1h"),
  aboveRules("administrator: [platform]", "administrator", "unknown key", "did you mean `administrators`?"),
  aboveRules(
    "administrators: [platfrom]",
    "platfrom",
    "nobody in people.yaml is in `platfrom`",
    "did you mean `platform`?",
  ),
  aboveRules("administrators: platform", "|platform\nrules", "must be a list"),
  aboveRules("activation: aproval", "aproval", "must be one of", "did you mean `approval`?"),
  aboveRules("activation: approval", "approval\n", "nobody is named to approve", "add `activation_rule`"),
  aboveRules(
    "activation_rule: { quorum: 2, groups: [platform], evidence: passkey, pending: 24h }",
    "activation_rule",
    "served at once: this rule decides nothing",
    "write `activation: approval`, or remove the rule",
  ),
  activation(
    "{ quorum: 1, groups: [platform], evidence: passkey, pending: 24h }",
    "1, groups",
    "two people at least",
    "quorum: 2",
  ),
  activation(
    "{ quorum: 3, groups: [platform], evidence: passkey, pending: 24h }",
    "3, groups",
    "only 2 may decide",
  ),
  activation(
    "{ quorum: 2, groups: [platfrom], evidence: passkey, pending: 24h }",
    "platfrom",
    "nobody in people.yaml is in `platfrom`",
  ),
  activation(
    "{ quorum: 2, groups: [platform], evidence: passkey, pending: 24h, usable: 15m }",
    "usable: 15m }",
    "unknown key `usable`",
  ),
  activation("{ quorum: 2, groups: [platform], evidence: passkey }", "{ quorum", "`pending` is missing"),
  // templates
  look(
    "cloudformation:ListStacks",
    "cloudformation:ListStack",
    "cloudformation:ListStack]",
    "no action `cloudformation:ListStack`",
    "did you mean `cloudformation:ListStacks`?",
  ),
  look(
    "cloudformation:ListStacks",
    "cloudformatoin:ListStacks",
    "cloudformatoin",
    "no service `cloudformatoin`",
    "did you mean `cloudformation:ListStacks`?",
  ),
  look(
    "cloudformation:ListStacks",
    "cloudformation:Descrbe*",
    "cloudformation:Descrbe*",
    "matches no action",
    "did you mean `cloudformation:Describe*`?",
  ),
  look(
    "[cloudformation:DescribeStacks, cloudformation:ListStacks]",
    '"*"',
    '"*"\n    Resource',
    "every action of AWS",
  ),
  look("cloudformation:ListStacks", "s3:*", "s3:*", "every action of s3"),
  look("  - Sid: Look\n", "  - Effect: Deny\n", "Effect", "denies are the compiler's", "remove `Effect`"),
  look(
    "    Resource:",
    "    NotAction: s3:Get*\n    Resource:",
    "NotAction",
    "NotAction would allow",
    "list the actions under Action",
  ),
  look(
    '    Resource: "*"',
    '    Resource: "*"\n    Condition: { StringLik: { "aws:RequestedRegion": us-* } }',
    "StringLik",
    "no condition operator `StringLik`",
    "did you mean `StringLike`?",
  ),
  look(
    'Resource: "*"',
    "Resource: arn:aws:s3:::${aws:username}",
    "arn:aws:s3",
    "policy variables such as `${aws:username}`",
  ),
  look('Resource: "*"', "Resource: arn:aws:s3:::${bucket}", "arn:aws:s3", "no parameter `bucket`"),
  look('Resource: "*"', "Resource: arn:aws:s3:::x-${service_roles}", "arn:aws:s3", "stands for whole ARNs"),
  look("name: look", "name: Look", "Look\nkind", "not a template's name"),
  look("name: look", "name: looks", "looks", "the file is named `look`", "name: look"),
  look("role: observer", "role: escalated", "escalated", "only escalation templates"),
  look("role: observer", "role: observr", "observr", "must be one of", "did you mean `observer`?"),
  look("default: 15m, max: 1h", "default: 5m, max: 1h", "5m", "shorter than 15m"),
  look("default: 15m, max: 1h", "default: 15m, max: 2h", "2h", "longer than 1h"),
  look("default: 15m, max: 1h", "default: 45m, max: 30m", "45m", "longer than the maximum"),
  look("intent: observe", "intent: destory", "destory", "must be one of", "did you mean `destroy`?"),
  look("kind: standing", "kind: &k standing", "&k |standing", "anchors are not used"),
  look("kind: standing", "kind: !!str standing", "standing\n", "tags are not used"),
  look(
    "kind: standing",
    "kind: standing\nkind: standing",
    "kind: standing\ntitle",
    "this key stands here twice",
  ),
  look("kind: standing", "kind: *x", "*x", "aliases are not used"),
  look("decision: allowed", "decision: allow", "allow\n", "must be one of", "did you mean `allowed`?"),
  look(
    "action: cloudformation:DescribeStacks",
    "action: cloudformation:Describe*",
    "cloudformation:Describe*\n",
    "one action, without wildcards",
  ),
  change("role: escalated", "role: operator", "operator", "uses the role `escalated`", "role: escalated"),
  change(
    "  stack:\n    description",
    "  stack:\n    lik: x\n    description",
    "lik: x",
    "unknown key `lik`",
    "did you mean `like`?",
  ),
  change(
    "parameters:\n  stack:",
    "parameters:\n  spare: { description: Unused., like: x, optional: true }\n  stack:",
    "spare",
    "declared and never used",
  ),
  change(
    '"${change_set}"',
    '"${chang_set}-${change_set}"',
    '"${chang',
    "no parameter `chang_set`",
    "did you mean `change_set`?",
  ),
  change(
    "changeSet/twokey-fix/2",
    "changeSet/other/2",
    "arn:aws:cloudformation:us-east-1:111122223333:changeSet/other",
    "change_set",
  ),
  approvals("pending: 1h", "pending: 30s", "30s", "shorter than 1m"),
  look("title: Look around", 'title: ""', '""', "must not be empty"),
  change("title: Execute one change set", "title: [Execute]", "[Execute]", "must be text, not a list"),
  change("default: 15m, max: 30m", "default: 15m, max: 0.5", "0.5", "not a duration"),
  reader("title: Read one change set", "title: [Read]", "[Read]", "must be text, not a list"),
  people("name: Orders lead", "name: 7", "7", "must be text, not a number"),
];
