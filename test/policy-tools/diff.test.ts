/** Seeded edits of a policy set, and what they must be called. The words are the requirement's, not the code's. */
import { describe, expect, test } from "vitest";
import type { ServedPolicy } from "../../src/policy/serve.ts";
import { changeSentence, diffPolicies, type Change } from "../../src/policy/diff.ts";
import { FILES, served, setOf, table, type Edit } from "./sets.ts";

const REPAIR = "templates/repair.yaml";
const STACK_ROLE = "arn:aws:iam::111122223333:role/twokey/stack-service";
const THIRD_APPROVER = `  - id: platform-three
    name: Third platform engineer
    groups: [platform]
    identities:
      - { issuer: "https://login.example.com", subject: platform-three }
`;
const changesOf = (...edits: readonly Edit[]): readonly Change[] =>
  diffPolicies(setOf(), setOf(...edits), table).changes;

/** What the edit gains and loses, as one sentence that must be among the changes. */
const ACTIVATION = `activation: approval
activation_rule: { quorum: 2, groups: [platform], evidence: passkey, pending: 24h }
`;

const CASES: readonly {
  readonly title: string;
  readonly edits: readonly Edit[];
  readonly says: readonly RegExp[];
}[] = [
  {
    title: "an action more in a statement is gained",
    edits: [[REPAIR, "[s3:DeleteObject]", "[s3:DeleteObject, s3:PutObject]"]],
    says: [/^gained: template repair: \w+ with s3:PutObject: only on .*-staging\/\*.*non-production$/],
  },
  {
    title: "an action less is lost",
    edits: [[REPAIR, "[dynamodb:DeleteItem, ", "["]],
    says: [/^lost: template repair: destroy with dynamodb:DeleteItem: /],
  },
  {
    title: "a parameter that may be more is a wider reach",
    edits: [[REPAIR, '["orders-*"]', '["*"]']],
    says: [
      /^gained: template repair: destroy with dynamodb:DeleteItem/,
      /^gained: template repair: read with dynamodb:DescribeTable: only on .*table\/\*, whatever the tags$/,
    ],
  },
  {
    title: "a parameter that may be less is a narrower reach",
    edits: [[REPAIR, '["orders-*"]', '["orders-1"]']],
    says: [/^lost: template repair: destroy with dynamodb:DeleteItem/],
  },
  {
    title: "a wider condition is gained",
    edits: [[REPAIR, '"twokey-orders-*"', '"twokey-*"']],
    says: [/^gained: template repair: change with cloudformation:CreateChangeSet: .*like twokey-\*$/],
  },
  {
    title: "a narrower condition is lost",
    edits: [[REPAIR, '"twokey-orders-*"', '"twokey-orders-fix-*"']],
    says: [/^lost: template repair: change with cloudformation:CreateChangeSet: .*like twokey-orders-\*$/],
  },
  {
    title: "a place that holds production too is gained",
    edits: [[REPAIR, "parameters:\n", "exceptions: [prepare-change-set]\nparameters:\n"]],
    says: [
      /^gained: template repair: change with cloudformation:CreateChangeSet: on .*stack\/\*, production included/,
    ],
  },
  {
    title: "a longer session is gained",
    edits: [["templates/change-stack.yaml", "max: 30m", "max: 1h"]],
    says: [/^gained: template change-stack: lasts 3600 seconds at most, not 1800$/],
  },
  {
    title: "more values at once are gained",
    edits: [[REPAIR, "max: 2", "max: 3"]],
    says: [/^gained: template repair: takes 3 values of table at once, not 2$/],
  },
  {
    title: "another role is both",
    edits: [[REPAIR, "role: operator", "role: observer"]],
    says: [/^gained: .*the observer role$/, /^lost: .*the operator role$/],
  },
  {
    title: "another value that counts as non-production is gained",
    edits: [
      ["guardrails.yaml", "[staging, sandbox]", "[staging, sandbox, Staging2]"],
      ["accounts.yaml", "    service_roles:\n", `    service_roles:\n      Staging2: ${STACK_ROLE}\n`],
    ],
    says: [/^gained: guardrails: staging2 counts as non-production$/],
  },
  {
    title: "a value that counts as production again is lost",
    edits: [
      ["guardrails.yaml", "[staging, sandbox]", "[staging]"],
      ["accounts.yaml", `      sandbox: ${STACK_ROLE}\n`, ""],
    ],
    says: [/^lost: guardrails: sandbox counts as non-production$/],
  },
  {
    title: "another non-production ARN pattern is gained",
    edits: [
      [
        "guardrails.yaml",
        "    - arn:aws:s3:::*-staging\n",
        "    - arn:aws:s3:::*-staging\n    - arn:aws:s3:::*-sandbox\n",
      ],
    ],
    says: [/^gained: guardrails: arn:aws:s3:::\*-sandbox counts as non-production$/],
  },
  {
    title: "more on the floor is lost",
    edits: [["guardrails.yaml", "floor:\n", "floor:\n  - glue:DeleteTable\n"]],
    says: [/^lost: guardrails: glue:DeleteTable is on the floor$/],
  },
  {
    title: "a template opened to an agent is gained",
    edits: [["agents.yaml", "templates: [look]", "templates: [look, repair]"]],
    says: [/^gained: laptop: may ask for repair$/],
  },
  {
    title: "an agent proved by another subject is gained and lost",
    edits: [["agents.yaml", "refs/heads/main", "refs/heads/next"]],
    says: [
      /^gained: orders-ci: is proved by github as .*next/,
      /^lost: orders-ci: is proved by github as .*main/,
    ],
  },
  {
    title: "older tokens taken are gained and lost",
    edits: [["agents.yaml", "max_age: 10m", "max_age: 15m"]],
    says: [/^gained: issuer github: .*maxAgeSeconds 900/, /^lost: issuer github: .*maxAgeSeconds 600/],
  },
  {
    title: "more approvals are lost",
    edits: [
      ["approvals.yaml", "quorum: 2", "quorum: 3"],
      ["people.yaml", "people:\n", `people:\n${THIRD_APPROVER}`],
    ],
    says: [
      /^lost: change-stack in 111122223333: needs 3 approvals, not 2$/,
      /^gained: change-stack in 111122223333: platform-three may decide$/,
    ],
  },
  {
    title: "another person in an approving group may decide",
    edits: [["people.yaml", "groups: [orders]", "groups: [orders, platform]"]],
    says: [/^gained: change-stack in 111122223333: orders-lead may decide$/],
  },
  {
    title: "another account of an approver is gained",
    edits: [["people.yaml", "subject: platform-two }", "subject: platform-three }"]],
    says: [
      /^gained: platform-two: signs in as platform-three/,
      /^lost: platform-two: signs in as platform-two/,
    ],
  },
  {
    title: "a longer usable grant is gained",
    edits: [["approvals.yaml", "usable: 15m", "usable: 30m"]],
    says: [/^gained: change-stack in 111122223333: a grant can be used for 1800 seconds, not 900$/],
  },
  {
    title: "a group whose members may decide is gained, whoever is in it",
    edits: [["approvals.yaml", "groups: [platform]", "groups: [platform, orders]"]],
    says: [
      /^gained: change-stack in 111122223333: whoever is in orders may decide$/,
      /^gained: change-stack in 111122223333: orders-lead may decide$/,
    ],
  },
  {
    title: "administrators are gained",
    edits: [["approvals.yaml", "rules:\n", "administrators: [orders]\nrules:\n"]],
    says: [
      /^gained: administration: whoever is in orders may invite people and take passkeys away$/,
      /^gained: administration: orders-lead may invite people and take passkeys away$/,
    ],
  },
  {
    title: "a second key for the set itself is less, so that taking it away is marked as weaker",
    edits: [["approvals.yaml", "rules:\n", `${ACTIVATION}rules:\n`]],
    says: [
      /^lost: policy activation: a changed policy set is served only after 2 people of platform approved it$/,
    ],
  },
  {
    title: "another role in an account is gained",
    edits: [["accounts.yaml", "role/twokey/ai-observer", "role/twokey/ai-viewer"]],
    says: [/^gained: 111122223333: the observer role is .*ai-viewer$/, /^lost: .*ai-observer$/],
  },
  {
    title: "another external id is neither",
    edits: [["accounts.yaml", "external_id: twokey-demo", "external_id: twokey-other"]],
    says: [/^changed: 111122223333: has another external id$/],
  },
];

describe("policy diff", () => {
  test.each(CASES)("$title", ({ edits, says }) => {
    const said = changesOf(...edits).map(changeSentence);
    for (const wanted of says) expect(said).toContainEqual(expect.stringMatching(wanted));
    // Nothing else is said to grow, or to shrink, than what the case names.
    for (const direction of ["gained", "lost"]) {
      if (says.every((wanted) => !wanted.source.startsWith(`^${direction}`))) {
        expect(said.filter((sentence) => sentence.startsWith(direction))).toEqual([]);
      }
    }
  });

  test.each(CASES)("backwards, what was gained is lost: $title", ({ edits }) => {
    const count = (changes: readonly Change[], direction: string): number =>
      changes.filter((change) => change.direction === direction).length;
    const forth = changesOf(...edits);
    const back = diffPolicies(setOf(...edits), setOf(), table).changes;
    expect([count(back, "gained"), count(back, "lost")]).toEqual([
      count(forth, "lost"),
      count(forth, "gained"),
    ]);
  });

  test("turning activation off is said to be weaker, and by whom it is decided to change", () => {
    const on: Edit = ["approvals.yaml", "rules:\n", `${ACTIVATION}rules:\n`];
    const fewer: Edit = [
      "approvals.yaml",
      "rules:\n",
      `${ACTIVATION.replace("[platform]", "[platform, orders]").replace("24h", "12h")}rules:\n`,
    ];
    const said = (before: ServedPolicy, after: ServedPolicy): readonly string[] =>
      diffPolicies(before, after, table).changes.map(changeSentence);
    expect(said(setOf(on), setOf())).toEqual([
      "gained: policy activation: WEAKER: a changed policy set is served at once, nobody approves it",
    ]);
    expect(said(setOf(on), setOf(fewer))).toEqual([
      "gained: policy activation: whoever is in orders may decide",
      "gained: policy activation: orders-lead may decide",
      "lost: policy activation: a request waits for its decisions 43200 seconds, not 86400",
    ]);
  });

  test("words, order, comments and expectations mean nothing", () => {
    const edits: readonly Edit[] = [
      [REPAIR, "title: Repair tables and buckets", "title: Other words"],
      [
        REPAIR,
        "[dynamodb:DeleteItem, dynamodb:DescribeTable,",
        "[dynamodb:DescribeTable, dynamodb:deleteitem,",
      ],
      [REPAIR, "title: no other table", "title: another title"],
      ["agents.yaml", "agents:\n", "# a comment\nagents:\n"],
    ];
    expect(changesOf(...edits)).toEqual([]);
  });

  test("a pattern and the actions it stands for are the same", () => {
    const names = table.actions("ecs").map(({ name }) => name);
    const listed = names.filter((name) => name.startsWith("ecs:List")).join(", ");
    expect(changesOf(["templates/look.yaml", "ecs:List*", listed])).toEqual([]);
    const fewer = changesOf(["templates/look.yaml", "ecs:List*", "ecs:ListClusters"]).map(changeSentence);
    expect(fewer).toEqual([
      expect.stringMatching(/^lost: template look: read with .*ecs:ListTasks.*: anywhere/),
    ]);
  });

  test("a new template gains all it reaches, and destruction stands first", () => {
    const files = Object.fromEntries(Object.entries(FILES).filter(([name]) => name !== REPAIR));
    const { changes } = diffPolicies(served(files), setOf(), table);
    expect(changes[0]).toMatchObject({ direction: "gained", subject: "repair", reach: { power: "destroy" } });
    expect(changes.every(({ direction }) => direction === "gained")).toBe(true);
    const reached = changes.flatMap(({ reach }) => reach?.actions ?? []).sort();
    expect(reached).toEqual([
      "cloudformation:CreateChangeSet",
      "dynamodb:DeleteItem",
      "dynamodb:DescribeTable",
      "dynamodb:PutItem",
      "s3:DeleteObject",
    ]);
  });

  test("an escalation template that becomes standing gains: nobody approves it any more", () => {
    const standing = setOf();
    const sets = new Map(standing.templates);
    const repair = sets.get("repair");
    if (repair === undefined) throw new Error("no template repair");
    sets.set("repair", { ...repair, template: { ...repair.template, kind: "escalation" } });
    const said = diffPolicies({ ...standing, templates: sets }, standing, table).changes.map(changeSentence);
    expect(said).toContain("gained: template repair: is vended on request: nobody has to approve it");
  });
});
