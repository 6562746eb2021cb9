/**
 * Everything that makes a template dangerous although its grammar is right. One row a rule; every rule runs over
 * every statement, so that all faults are reported at once.
 */
import { INTENTS } from "../identity/task.ts";
import { intentOf } from "./destroyers.ts";
import { fillStatement, type FilledStatement } from "./fill.ts";
import { globCovers, globsMayOverlap } from "./iam/match.ts";
import type { PreparedAction, PreparedStatement, PreparedTemplate, TemplateFault } from "./prepare.ts";
import type { TemplateStatement } from "./set.ts";
import { MINTS_CREDENTIALS } from "./credential-minting.ts";
import { WORKS_AS_ANOTHER_ROLE } from "./other-roles.ts";
import { WRITES_RESOURCE_POLICY } from "./resource-policies.ts";
import { ON_CHANGE_SET } from "./sort.ts";

/** Operators whose complement is one operator, so that a condition on an Allow can also be made a Deny. */
export const COMPLEMENT: Readonly<Record<string, string>> = {
  StringEquals: "StringNotEquals",
  StringEqualsIgnoreCase: "StringNotEqualsIgnoreCase",
  StringLike: "StringNotLike",
  ArnEquals: "ArnNotEquals",
  ArnLike: "ArnNotLike",
};

/** Names of change sets that sessions may touch, as the request carries them: a name or an ARN. */
export const CHANGE_SET_NAMES: readonly string[] = ["twokey-*", "arn:*:changeSet/twokey-*"];

interface Case {
  readonly prepared: PreparedTemplate;
  readonly statement: TemplateStatement;
  /** The statement at its widest: every parameter replaced by the globs it may match. */
  readonly widest: FilledStatement;
  readonly action: PreparedAction;
}

interface Rule {
  readonly applies: (action: PreparedAction) => boolean;
  /** The fault, or null. */
  readonly fault: (context: Case) => { readonly message: string; readonly fix: string | null } | null;
}

const isRead = (action: PreparedAction): boolean => action.pairs.every((pair) => pair.class === "read");
const named = (action: PreparedAction, name: string): boolean => action.pattern === name;
const level = (action: PreparedAction, name: string): boolean =>
  action.facts?.accessLevels.some((l) => l === name) ?? false;

const RULES: readonly Rule[] = [
  {
    applies: () => true,
    fault: ({ prepared, action }) => {
      const floor = prepared.guardrails.floor.find((p) =>
        globsMayOverlap(p, action.pattern, { ignoreCase: true }),
      );
      return floor === undefined
        ? null
        : {
            message: `${action.pattern} is on the guardrails' floor (${floor}): no AI session may ever do it`,
            fix: "remove it",
          };
    },
  },
  {
    applies: (action) => level(action, "Permissions management"),
    fault: ({ action }) => ({
      message: `${action.pattern} changes who may do what, and a resource policy can open anything to the session`,
      fix: "remove it; people change permissions",
    }),
  },
  {
    applies: (action) => named(action, "iam:PassRole"),
    fault: ({ widest }) => {
      const service = exactValues(widest, "StringEquals", "iam:passedtoservice");
      const roles = widest.resource.every((arn) => /^arn:.+:role\/.+$/.test(arn));
      return service.length > 0 && roles && [...service, ...widest.resource].every(isExact)
        ? null
        : {
            message: "iam:PassRole hands a role to a service: name exact role ARNs and the exact service",
            fix: "Resource: ${service_roles.non_production}, Condition: StringEquals: {iam:PassedToService: …}",
          };
    },
  },
  {
    applies: (action) => action.pattern.startsWith("kms:") && !isRead(action),
    fault: ({ widest, action }) => {
      const services = exactValues(widest, "StringEquals", "kms:viaservice");
      return services.length > 0 && services.every(isExact)
        ? null
        : {
            message: `${action.pattern} is forwarded by other services and must say through which`,
            fix: 'Condition: StringEquals: {"kms:ViaService": "dynamodb.${region}.amazonaws.com"}',
          };
    },
  },
  {
    applies: (action) => MINTS_CREDENTIALS.reason(action.pattern) !== null,
    fault: ({ action }) => ({
      message: `${action.pattern} is refused in every template: ${MINTS_CREDENTIALS.reason(action.pattern) ?? ""}`,
      fix: "remove it",
    }),
  },
  {
    applies: (action) => WRITES_RESOURCE_POLICY.reason(action.pattern) !== null,
    fault: ({ prepared, action }) =>
      prepared.template.kind === "escalation"
        ? null
        : {
            message: `${action.pattern} is refused in a standing template: ${WRITES_RESOURCE_POLICY.reason(action.pattern) ?? ""}`,
            fix: "remove it, or make it an escalation template with exact resources",
          },
  },
  {
    applies: (action) => WORKS_AS_ANOTHER_ROLE.reason(action.pattern) !== null,
    fault: ({ prepared, statement, widest, action }) =>
      // An escalation's parameters are approved by name; a standing one's are whatever the agent asks for.
      (prepared.template.kind === "escalation" ? statement : widest).resource.every(isExact)
        ? null
        : {
            message: `${action.pattern} works as another role than the session's (it ${WORKS_AS_ANOTHER_ROLE.reason(action.pattern) ?? ""}): name exact targets, without wildcards`,
            fix: null,
          },
  },
  {
    applies: (action) => ON_CHANGE_SET.includes(action.pattern),
    fault: ({ widest, action }) => {
      const names = [
        ...exactValues(widest, "StringEquals", "cloudformation:changesetname"),
        ...exactValues(widest, "StringLike", "cloudformation:changesetname"),
      ];
      const inside = names.every((name) => CHANGE_SET_NAMES.some((wide) => globCovers(wide, name)));
      return names.length > 0 && inside
        ? null
        : {
            message: `${action.pattern} must be confined to change sets named twokey-*`,
            fix: 'Condition: StringLike: {"cloudformation:ChangeSetName": "twokey-*"}',
          };
    },
  },
  {
    applies: (action) => action.pairs.some((pair) => pair.class === "changed" && !pair.tagged),
    fault: (context) => {
      const loose = looseResource(context);
      return loose === null
        ? null
        : {
            message: `${context.action.pattern} changes resources whose tags AWS does not honour, and ${loose} is not inside guardrails' non_production_arns`,
            fix: "confine a parameter's `like` to them; wildcards may stand only after the last `/` of the Resource",
          };
    },
  },
  {
    // A stack can be deleted with a role of the caller's choosing, and a passed role serves for that too.
    applies: (action) => named(action, "cloudformation:DeleteStack"),
    fault: ({ prepared }) => {
      const passed = prepared.statements
        .filter(({ actions }) => actions.some((action) => named(action, "iam:PassRole")))
        .flatMap(({ statement }) => statement.resource);
      return passed.every((role) => role === "${service_roles.non_production}")
        ? null
        : {
            message:
              "a template that deletes stacks may pass the pinned non-production service roles and no other",
            fix: "iam:PassRole on Resource: ${service_roles.non_production}",
          };
    },
  },
  {
    applies: (action) => level(action, "Tagging") && action.fences.length > 0,
    fault: ({ prepared, action }) =>
      prepared.template.kind === "standing"
        ? null
        : {
            message: `${action.pattern} in an escalation could make production say that it is not, which opens it to every standing template`,
            fix: "let people change tags",
          },
  },
  {
    applies: (action) => !isRead(action),
    fault: ({ prepared, statement, action }) =>
      prepared.template.kind === "standing" || statement.resource.every((arn) => !/[*?]/.test(arn))
        ? null
        : { message: `${action.pattern} in an escalation template must name exact resources`, fix: null },
  },
  {
    applies: () => true,
    fault: ({ prepared: { template }, action: { facts, pattern } }) => {
      const needed = facts === null ? "observe" : intentOf(facts);
      return INTENTS.indexOf(needed) <= INTENTS.indexOf(template.intent)
        ? null
        : { message: `${pattern} does not serve the intent ${template.intent}`, fix: `intent: ${needed}` };
    },
  },
];

/** Every fault of the template that its grammar does not show. */
export function templateFaults(prepared: PreparedTemplate): readonly TemplateFault[] {
  const faults: TemplateFault[] = [];
  const widest = widestValues(prepared);
  prepared.statements.forEach((entry, index) => {
    const filled = fillStatement(entry.statement, widest);
    const add = (action: number | null, message: string, fix: string | null): void => {
      faults.push({ message, fix, at: { statement: index, action } });
    };
    if (filled === null) {
      add(null, "a placeholder here is neither a parameter nor one of account, region, service_roles", null);
      return;
    }
    for (const problem of conditionFaults(prepared, entry)) add(null, problem, null);
    entry.actions.forEach((action, at) => {
      for (const rule of RULES) {
        if (!rule.applies(action)) continue;
        const fault = rule.fault({ prepared, statement: entry.statement, widest: filled, action });
        if (fault !== null) add(at, fault.message, fault.fix);
      }
    });
  });
  return faults;
}

/**
 * A condition on an Allow leaves an implicit deny behind, which a resource policy naming the session passes. So it
 * is compiled into a Deny too; that needs an operator with a complement, and the action allowed in one place only.
 */
function conditionFaults(prepared: PreparedTemplate, entry: PreparedStatement): readonly string[] {
  const operators = Object.keys(entry.statement.condition);
  const lists = Object.values(entry.statement.condition)
    .flatMap((keys) => Object.keys(keys))
    .filter((key) => prepared.listKeys.has(key.toLowerCase()));
  const problems = operators
    .filter((operator) => COMPLEMENT[operator] === undefined)
    .map(
      (operator) =>
        `condition operator ${operator} is not offered: use ${Object.keys(COMPLEMENT).join(", ")}`,
    );
  problems.push(
    // "One of the values is X" is all such a condition says, and not "every value is X".
    ...lists.map((key) => `${key} holds several values at once, which a condition here cannot confine`),
  );
  if (operators.length > 0) {
    for (const action of entry.actions) {
      const elsewhere = prepared.statements.some(
        (s) => s !== entry && s.actions.some((a) => reaches(a, action)),
      );
      if (elsewhere)
        problems.push(`${action.pattern} is allowed under a condition here and again in another statement`);
    }
  }
  return problems;
}

function reaches(a: PreparedAction, b: PreparedAction): boolean {
  return globsMayOverlap(a.pattern, b.pattern, { ignoreCase: true });
}

function exactValues(filled: FilledStatement, operator: string, key: string): readonly string[] {
  return Object.entries(filled.condition[operator] ?? {})
    .filter(([name]) => name.toLowerCase() === key)
    .flatMap(([, values]) => values);
}

/**
 * A resource of the statement that could be production, or null. In IAM a `*` runs over `/`, so
 * `arn:aws:s3:::*-staging/*` is also an object of production's bucket below `x-staging/`. Only a parameter may
 * vary before the last `/`: its value is one part, and holds neither `/` nor a wildcard.
 */
function looseResource({ prepared, statement, widest }: Case): string | null {
  if (prepared.template.kind === "escalation") return null;
  const open = statement.resource.find((text) =>
    /[*?]/.test(text.slice(0, text.lastIndexOf("/") + 1 || undefined)),
  );
  if (open !== undefined) return open;
  const known = prepared.guardrails.nonProductionArns;
  return widest.resource.find((arn) => !known.some((wide) => coversByPart(wide, arn))) ?? null;
}

/** As globCovers, but `*` stays within its part; one that ends the pattern after a separator takes all the rest. */
function coversByPart(wide: string, narrow: string): boolean {
  const [patterns, parts] = [wide.split(/([:/])/), narrow.split(/([:/])/)];
  const openEnd = patterns.at(-1) === "*" && patterns.length <= parts.length;
  if (!openEnd && patterns.length !== parts.length) return false;
  return patterns.every(
    (pattern, index) => (openEnd && index === patterns.length - 1) || globCovers(pattern, parts[index] ?? ""),
  );
}

const isExact = (text: string): boolean => !/[*?]/.test(text);

/** Parameters at their widest. Account and region are some unknown text; service roles are exact ARNs. */
function widestValues(prepared: PreparedTemplate): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, readonly string[]>([
    ["account", ["000000000000"]],
    ["region", ["region"]],
    // Stands for the exact ARNs of accounts.yaml, whose shape the set's own checks guarantee.
    ["service_roles", ["arn:aws:iam::000000000000:role/pinned"]],
    ["service_roles.non_production", ["arn:aws:iam::000000000000:role/pinned"]],
  ]);
  for (const [name, spec] of Object.entries(prepared.template.parameters)) values.set(name, spec.like);
  return values;
}
