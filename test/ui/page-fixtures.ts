/** What the pages are drawn from in these tests: a busy morning of the demo's set, with hostile words in it. */
import type { ChangeSet } from "../../src/escalation/escalation.ts";
import type {
  Ability,
  AuditData,
  EscalationData,
  Frame,
  PasskeyRow,
  PeopleData,
  PlaygroundData,
  QueueData,
  QueueRow,
  SessionEscalation,
  SessionsData,
  TemplateData,
} from "../../src/ui/page-data.ts";

export const NOW = new Date("2026-03-02T09:30:00Z");
const minutes = (count: number): Date => new Date(NOW.getTime() + count * 60_000);

export const ID = "esc-abcdefghijklmnopqrstuvwx";
const STACK = "arn:aws:cloudformation:us-east-1:111122223333:stack/orders-production/3c1b7a52-0d6e-4f3a-9b1c";

export function frame(change: Partial<Frame> = {}): Frame {
  return {
    person: { id: "platform-engineer", name: "Platform engineer on duty", administrator: true },
    waiting: 2,
    notices: [],
    here: "queue",
    now: NOW,
    ...change,
  };
}

export const CHANGE_SET: ChangeSet = {
  arn: "arn:aws:cloudformation:us-east-1:111122223333:changeSet/twokey-visibility-timeout/9e1d",
  name: "twokey-visibility-timeout",
  stack: "orders-production",
  description: "Raise the visibility timeout of the orders queue",
  executionStatus: "AVAILABLE",
  changes: [
    {
      action: "Add",
      logicalId: "RetryAlarm",
      physicalId: null,
      type: "AWS::CloudWatch::Alarm",
      replacement: null,
      policyAction: null,
      details: [],
    },
    {
      action: "Modify",
      logicalId: "OrdersQueue",
      physicalId: "https://sqs.us-east-1.amazonaws.com/111122223333/orders",
      type: "AWS::SQS::Queue",
      replacement: "False",
      policyAction: null,
      details: ["VisibilityTimeout"],
    },
    {
      action: "Modify",
      logicalId: "OrdersTable",
      physicalId: "orders-production-table",
      type: "AWS::DynamoDB::Table",
      replacement: "True",
      policyAction: "ReplaceAndDelete",
      details: ["KeySchema"],
    },
    {
      action: "Remove",
      logicalId: "OldTopic",
      physicalId: "orders-old-topic",
      type: "AWS::SNS::Topic",
      replacement: null,
      policyAction: null,
      details: [],
    },
  ],
  tags: [{ key: "environment", value: "production" }],
  warnings: ["A nested stack, PaymentsStack, is changed too, and what changes in it is not shown here."],
};

export const COULD: readonly Ability[] = [
  {
    effect: "reads",
    text: "see stacks, their resources and events in this account",
    actions: ["cloudformation:DescribeStacks", "cloudformation:DescribeStackEvents"],
    resources: ["*"],
  },
  {
    effect: "destroys",
    text: "execute the change set twokey-visibility-timeout on the stack orders-production",
    actions: ["cloudformation:ExecuteChangeSet"],
    resources: [STACK],
  },
];

export function sessionEscalation(change: Partial<SessionEscalation> = {}): SessionEscalation {
  return {
    agent: "orders-ci",
    owner: { id: "orders-lead", name: "Orders team lead" },
    proof: {
      issuer: "https://token.actions.githubusercontent.com",
      subject: "repo:example-org/orders:environment:production",
    },
    account: { id: "111122223333", name: "orders" },
    roleArn: "arn:aws:iam::111122223333:role/ai-escalated",
    template: {
      name: "production-stack-change",
      title: "Execute one prepared change set on one production stack",
      description: "Executes exactly the change set that two people approved, on exactly that stack.",
      version: "6f1d".repeat(16),
    },
    parameters: { stack: [STACK], change_set: [CHANGE_SET.arn] },
    durationSeconds: 900,
    task: { id: "ORDERS-4711", intent: "destroy", summary: "Stop orders being delivered twice" },
    reason:
      "Orders are processed twice since the new worker takes 45 s and the queue hides a message for 30 s.\nThe change set raises it to 120 s.",
    could: COULD,
    adds: [
      "It may execute the change set twokey-visibility-timeout; no standing template may execute one in production.",
    ],
    changeSets: [CHANGE_SET],
    policyText: JSON.stringify(
      { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "x:Y" }] },
      null,
      2,
    ),
    policyArns: [],
    current: true,
    ...change,
  };
}

export function escalation(change: Partial<EscalationData> = {}): EscalationData {
  return {
    id: ID,
    digest: "ab12".repeat(16),
    code: "amber-falcon",
    state: "pending",
    requestedAt: minutes(-4),
    expiresAt: minutes(41),
    usableUntil: null,
    quorum: 2,
    groups: ["platform", "security"],
    decisions: [
      {
        person: "security-engineer",
        name: "Security engineer on duty",
        verdict: "approve",
        at: minutes(-2),
        reason: null,
        counts: true,
      },
    ],
    mayApprove: { ok: true },
    mayDeny: { ok: true },
    session: sessionEscalation(),
    policy: null,
    minted: null,
    ...change,
  };
}

/** An agent that writes to deceive: markup, direction, hidden and look-alike characters, and no place to break. */
export const HOSTILE = escalation({
  session: sessionEscalation({
    reason:
      "<script>alert(1)</script> \u202Edeyortsed eb lliw gnihton\u202C\u200B in \u0440roduction " +
      "x".repeat(900),
    task: { id: "\u2066T-1\u2069", intent: "destroy", summary: '"><img src=x onerror=alert(1)>\uDB40\uDC41' },
    current: false,
  }),
});

export const POLICY_ESCALATION = escalation({
  session: null,
  decisions: [],
  policy: {
    from: "aa".repeat(32),
    to: "bb".repeat(32),
    changes: [
      "gained: template staging-deploy: can delete buckets outside production",
      "lost: template observe: cannot read parameters any more",
      "changed: approvals: production-stack-change waits 30 min at most",
    ],
  },
});

export function queueRow(change: Partial<QueueRow> = {}): QueueRow {
  return {
    id: ID,
    kind: "session",
    state: "pending",
    title: "Execute one prepared change set on one production stack",
    agent: "orders-ci",
    owner: "orders-lead",
    account: "orders",
    reason: "Orders are processed twice since the new worker takes 45 s.",
    destroys: true,
    requestedAt: minutes(-4),
    expiresAt: minutes(41),
    approvals: 1,
    quorum: 2,
    code: "amber-falcon",
    decided: null,
    notMine: null,
    ...change,
  };
}

export const QUEUE: QueueData = {
  mine: [
    queueRow(),
    queueRow({
      id: "esc-bbcdefghijklmnopqrstuvwx",
      kind: "policy",
      title: "Change the policies that are served",
      agent: null,
      owner: null,
      account: null,
      reason: null,
      destroys: false,
      code: "violet-harbor",
      approvals: 0,
    }),
  ],
  others: [
    queueRow({
      id: "esc-cbcdefghijklmnopqrstuvwx",
      title: "Repair items of one table",
      agent: "billing-ci",
      owner: "platform-engineer",
      reason: "Invoice 12 is stuck\u202Etcefrep si siht\u202C, see \u0440roduction-table",
      destroys: false,
      code: "silver-otter",
      notMine: "You own the agent billing-ci.",
    }),
  ],
  decided: [
    queueRow({
      id: "esc-dbcdefghijklmnopqrstuvwx",
      state: "denied",
      decided: "deny",
      code: "copper-meadow",
      requestedAt: minutes(-1500),
      expiresAt: minutes(-1455),
    }),
  ],
};

export const SESSIONS: SessionsData = {
  agents: [
    {
      agent: "orders-ci",
      owner: "orders-lead",
      sessions: [
        {
          id: "tks-abcdefghijklmnopqrstuvwx",
          template: "observe",
          account: "orders",
          state: "issued",
          requestedAt: minutes(-10),
          expiresAt: minutes(50),
          frozenAt: null,
          escalation: null,
          may: "reads stacks, logs and metrics",
          summary: "look at the stacks",
          stopped: null,
        },
        {
          id: "tks-bbcdefghijklmnopqrstuvwx",
          template: "production-stack-change",
          account: "orders",
          state: "issued",
          requestedAt: minutes(-10),
          expiresAt: minutes(5),
          frozenAt: minutes(-1),
          escalation: ID,
          may: "executes one change set",
          summary: "Stop orders being delivered twice",
          stopped: null,
        },
      ],
    },
    { agent: "billing-ci", owner: "platform-engineer", sessions: [] },
  ],
  freezes: [],
  roles: [],
  names: {
    agents: ["billing-ci", "orders-ci"],
    templates: ["observe", "production-stack-change", "staging-deploy"],
  },
};

/** Everything frozen, and more besides, with a hostile reason; AWS in each of its states. */
export const STOPPED: SessionsData = {
  ...SESSIONS,
  agents: [
    {
      agent: "orders-ci",
      owner: "orders-lead",
      sessions: (["freeze", "ended"] as const).map((by, index) => ({
        id: `tks-${index}bcdefghijklmnopqrstuvwx`,
        template: "observe",
        account: "orders",
        state: "issued" as const,
        requestedAt: minutes(-10),
        expiresAt: minutes(50),
        frozenAt: null,
        escalation: null,
        may: "reads stacks, logs and metrics",
        summary: "look at the stacks",
        stopped: by === "freeze" ? { by, target: { kind: "agent" as const, name: "orders-ci" } } : { by },
      })),
    },
  ],
  freezes: [
    {
      target: { kind: "all", name: null },
      reason: "credentials leaked",
      by: "person",
      person: "Security engineer",
      frozenAt: minutes(-5),
      firstKey: "Platform engineer on duty",
      mayThaw: { ok: true },
    },
    {
      target: { kind: "agent", name: "orders-ci" },
      reason: '<script>alert(1)</script>\u202Elatigel" onmouseover="alert(2)',
      by: "operator",
      person: null,
      frozenAt: minutes(-6),
      firstKey: null,
      mayThaw: { ok: false, why: "You own the agent behind it: another administrator thaws it." },
    },
    {
      target: { kind: "template", name: "staging-deploy" },
      reason: "",
      by: "rule",
      person: null,
      frozenAt: minutes(-7),
      firstKey: null,
      mayThaw: { ok: true },
    },
  ],
  roles: [
    { state: "in_force" as const, form: "everyone" as const, since: minutes(-4), message: null },
    { state: "waiting" as const, form: null, since: null, message: null },
    {
      state: "failed" as const,
      form: null,
      since: null,
      message: "AccessDenied: <img src=x> is not authorized to perform iam:PutRolePolicy",
    },
  ].map((role, index) => ({ roleArn: `arn:aws:iam::111122223333:role/twokey/ai-role-${index}`, ...role })),
};

export const TEMPLATE: TemplateData = {
  name: "production-stack-change",
  kind: "escalation",
  title: "Execute one prepared change set on one production stack",
  description: "Executes exactly the change set that two people approved, on exactly that stack.",
  intent: "destroy",
  accounts: ["orders (111122223333)"],
  agents: ["orders-ci"],
  approval: "two people of platform or security, with a passkey each; waits 45 min, usable for 15 min",
  source: "name: production-stack-change\nkind: escalation\nallow:\n  - Sid: Execute\n",
  could: COULD,
  proof: [
    {
      title: "the approved change set can be executed",
      action: "cloudformation:ExecuteChangeSet",
      resource: STACK,
      decision: "allowed",
      holds: true,
    },
    {
      title: "the stack cannot be deleted",
      action: "cloudformation:DeleteStack",
      resource: STACK,
      decision: "allowed",
      holds: false,
    },
  ],
  parameters: [
    {
      name: "stack",
      description: "ARN of the stack.",
      like: ["arn:aws:cloudformation:*:*:stack/*/*"],
      optional: false,
    },
  ],
};

export const PLAYGROUND: PlaygroundData = {
  template: "production-stack-change",
  asked: {
    parameters: "{}",
    account: "111122223333",
    action: "cloudformation:DeleteStack",
    resource: STACK,
    context: '{"aws:ResourceTag/environment":"production"}',
  },
  answer: {
    ok: true,
    decision: "explicitDeny",
    why: "The ceiling denies every action the template does not name.",
    policyText: "{}",
  },
};

export const AUDIT: AuditData = {
  filter: { text: "", kind: "", agent: "orders-ci", person: "" },
  kinds: ["escalation.requested", "request.refused"],
  entries: [
    {
      sentence: "The agent orders-ci was refused: template_not_open.",
      entry: {
        index: 41,
        at: minutes(-4),
        requestId: "req-abc",
        agent: "orders-ci",
        owner: "orders-lead",
        person: null,
        session: null,
        escalation: ID,
        policyVersion: "aa".repeat(32),
        kind: "request.refused",
        detail: { route: "POST /v1/credentials", code: "template_not_open", reason: "template_not_open" },
      },
    },
  ],
  next: 41,
};

export const PASSKEYS: readonly PasskeyRow[] = [
  {
    credentialId: "a2V5LW9uZQ",
    label: "work laptop",
    enrolledAt: minutes(-9000),
    countsFrom: minutes(-9000),
  },
  { credentialId: "a2V5LXR3bw", label: "phone", enrolledAt: minutes(-20), countsFrom: minutes(1420) },
];

export const PEOPLE: PeopleData = {
  people: [
    {
      id: "orders-lead",
      name: "Orders team lead",
      groups: ["orders"],
      passkeys: PASSKEYS,
      invitable: true,
    },
    { id: "auditor", name: "Auditor", groups: [], passkeys: [], invitable: false },
  ],
};
