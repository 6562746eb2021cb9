/**
 * Everything that makes a template dangerous although its grammar is right. One row a rule; every rule runs over
 * every statement, so that all faults are reported at once.
 */
import { fillStatement, type FilledStatement } from "./fill.ts";
import { globCovers, globMatch } from "./iam/match.ts";
import type { PreparedAction, PreparedStatement, PreparedTemplate, TemplateFault } from "./prepare.ts";
import type { TemplateStatement } from "./set.ts";
import { ON_CHANGE_SET, WORK_AS_ANOTHER_ROLE } from "./sort.ts";

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
      const floor = prepared.guardrails.floor.find((p) => globMatch(p, action.pattern, { ignoreCase: true }));
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
      const exact = widest.resource.every((arn) => /^arn:[^*?]+:role\/[^*?]+$/.test(arn));
      return service.length > 0 && exact
        ? null
        : {
            message: "iam:PassRole hands a role to a service: name exact role ARNs and the service",
            fix: "Resource: ${service_roles.non_production}, Condition: StringEquals: {iam:PassedToService: …}",
          };
    },
  },
  {
    applies: (action) => action.pattern.startsWith("kms:") && !isRead(action),
    fault: ({ widest, action }) =>
      [...exactValues(widest, "StringEquals", "kms:viaservice")].length > 0
        ? null
        : {
            message: `${action.pattern} is forwarded by other services and must say through which`,
            fix: 'Condition: StringEquals: {"kms:ViaService": "dynamodb.${region}.amazonaws.com"}',
          },
  },
  {
    applies: (action) => WORK_AS_ANOTHER_ROLE.some((p) => globMatch(p, action.pattern, { ignoreCase: true })),
    fault: ({ statement, action }) =>
      statement.resource.every((arn) => !/[*?]/.test(arn))
        ? null
        : {
            message: `${action.pattern} works as another role than the session's: name exact targets, without wildcards`,
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
    fault: ({ prepared, widest, action }) => {
      const loose = looseResource(prepared, widest);
      if (loose === null) return null;
      return prepared.template.kind === "escalation"
        ? {
            message: `${action.pattern} on ${loose}: an escalation names exact ARNs, one for each parameter`,
            fix: "make the whole resource parameters without wildcards around them",
          }
        : {
            message: `${action.pattern} changes resources whose tags AWS does not honour, and ${loose} is not inside guardrails' non_production_arns`,
            fix: "confine the statement's Resource to those patterns, or a parameter's `like` to them",
          };
    },
  },
  {
    applies: (action) => !isRead(action),
    fault: ({ prepared, statement, action }) =>
      prepared.template.kind === "standing" || statement.resource.every((arn) => !/[*?]/.test(arn))
        ? null
        : { message: `${action.pattern} in an escalation template must name exact resources`, fix: null },
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
  const problems = operators
    .filter((operator) => COMPLEMENT[operator] === undefined)
    .map(
      (operator) =>
        `condition operator ${operator} is not offered: use ${Object.keys(COMPLEMENT).join(", ")}`,
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
  return (
    globMatch(a.pattern, b.pattern, { ignoreCase: true }) ||
    globMatch(b.pattern, a.pattern, { ignoreCase: true })
  );
}

function exactValues(filled: FilledStatement, operator: string, key: string): readonly string[] {
  return Object.entries(filled.condition[operator] ?? {})
    .filter(([name]) => name.toLowerCase() === key)
    .flatMap(([, values]) => values);
}

/** A resource of the statement that could be production, or null. */
function looseResource(prepared: PreparedTemplate, widest: FilledStatement): string | null {
  const confined = (arn: string): boolean =>
    prepared.guardrails.nonProductionArns.some((wide) => globCovers(wide, arn));
  if (prepared.template.kind === "standing") return widest.resource.find((arn) => !confined(arn)) ?? null;
  return null;
}

/** Parameters at their widest. Account and region are one unknown text each; service roles are exact ARNs. */
function widestValues(prepared: PreparedTemplate): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, readonly string[]>([
    ["account", ["*"]],
    ["region", ["*"]],
    // Stands for the exact ARNs of accounts.yaml, whose shape the set's own checks guarantee.
    ["service_roles", ["arn:aws:iam::000000000000:role/pinned"]],
    ["service_roles.non_production", ["arn:aws:iam::000000000000:role/pinned"]],
  ]);
  for (const [name, spec] of Object.entries(prepared.template.parameters)) values.set(name, spec.like);
  return values;
}
