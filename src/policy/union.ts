/**
 * Several templates as one, for what stands around their sessions: the boundary of a role and the organisation's
 * policies must permit what each of its templates does, and no more than they must. Parameters stand at their widest.
 *
 *   an action's resources    those of every template that allows it
 *   an action's conditions   those that every template which allows it has, with the values of all
 *   an action's fence        must be the same in every template: two fences have no union
 *
 * Pure. The statements that come of it are statements.ts's, as for one template.
 */
import { err, ok, type Result } from "../result.ts";
import { accountValues, fillStatement, type FilledStatement } from "./fill.ts";
import { globsMayOverlap } from "./iam/match.ts";
import type { ConditionBlock, OneOrMany, Statement } from "./iam/types.ts";
import type { PreparedAction, PreparedTemplate } from "./prepare.ts";
import type { Account, FenceException, Guardrails } from "./set.ts";
import { exempt, tagFence, type Live } from "./statements.ts";

export interface Union {
  /** Carries guardrails, kind and exceptions; its own statements are empty. */
  readonly prepared: PreparedTemplate;
  readonly live: readonly Live[];
  /** The tag fence of the whole. */
  readonly tags: readonly Statement[];
}

export interface UnionFault {
  readonly action: string;
  readonly templates: readonly string[];
}

/** One action of one template. */
interface Piece {
  readonly action: PreparedAction;
  readonly filled: FilledStatement;
  readonly of: PreparedTemplate;
}

/** Of one kind, one at least. */
export function unionOf(
  templates: readonly [PreparedTemplate, ...PreparedTemplate[]],
  accounts: readonly Account[],
): Result<Union, readonly UnionFault[]> {
  const pieces = templates.flatMap((prepared) => accounts.flatMap((account) => piecesOf(prepared, account)));
  const byPattern = new Map<string, Piece[]>();
  for (const piece of pieces) {
    const known = byPattern.get(piece.action.pattern);
    if (known === undefined) byPattern.set(piece.action.pattern, [piece]);
    else known.push(piece);
  }
  const faults = [...byPattern].filter(([, members]) => fencesOf(members).length > 1);
  if (faults.length > 0)
    return err(
      faults.map(([action, members]) => ({
        action,
        templates: [...new Set(members.map(({ of }) => of.template.name))],
      })),
    );
  const live = [...byPattern.values()].flatMap(([first]): readonly Live[] =>
    first === undefined ? [] : [widest(first, pieces)],
  );
  return ok({ prepared: carrier(templates), live: together(live), tags: tagFences(templates, pieces) });
}

function piecesOf(prepared: PreparedTemplate, account: Account): readonly Piece[] {
  const values = new Map([
    ...Object.entries(prepared.template.parameters).map(([name, { like }]) => [name, like] as const),
    ...accountValues(account, prepared.guardrails.nonProduction),
  ]);
  return prepared.statements.flatMap(({ statement, actions }) => {
    const filled = fillStatement(statement, values);
    // Every parameter is given, so only a value that is no plain text is left: dropping it would narrow the fence unseen.
    if (filled === null) throw new Error(`a statement of ${prepared.template.name} cannot be filled`);
    const wide = { ...filled, condition: asPatterns(filled.condition) };
    return actions.map((action) => ({ action, filled: wide, of: prepared }));
  });
}

/**
 * A parameter at its widest is a pattern; one that ignores case cannot be, since IAM has no such operator. Keys are in one
 * spelling and equality in one operator, so that what two templates say alike is seen to be alike.
 */
function asPatterns(condition: ConditionBlock): ConditionBlock {
  const wide: Record<string, Record<string, OneOrMany>> = {};
  for (const [operator, keys] of Object.entries(condition)) {
    for (const [key, wanted] of Object.entries(keys)) {
      const open = operator.startsWith("String") && [wanted].flat().some((value) => /[*?]/.test(value));
      if (open && operator.endsWith("IgnoreCase")) continue;
      // Of two demands on one key the first stands: one block cannot hold both.
      (wide[operator === "StringEquals" ? "StringLike" : operator] ??= {})[key.toLowerCase()] ??= wanted;
    }
  }
  return wide;
}

/** The different fences of one action, as JSON. A stated exception takes part in none. */
const fencesOf = (members: readonly Piece[]): readonly string[] => [
  ...new Set(
    members
      .filter(({ of, action }) => !exempt(of, action))
      .map(({ action }) => JSON.stringify(action.fences)),
  ),
];

/** The action with everything that any template allows of it. */
function widest({ action }: Piece, pieces: readonly Piece[]): Live {
  const reaching = pieces.filter((piece) =>
    globsMayOverlap(piece.action.pattern, action.pattern, { ignoreCase: true }),
  );
  const resource = [...new Set(reaching.flatMap(({ filled }) => filled.resource))].sort();
  return {
    actions: [action],
    filled: {
      resource: resource.includes("*") ? ["*"] : resource,
      condition: common(reaching.map(({ filled }) => filled.condition)),
    },
  };
}

/** What all of them demand, each with the values of all. */
function common(blocks: readonly ConditionBlock[]): ConditionBlock {
  const [first = {}, ...rest] = blocks;
  const kept: Record<string, Record<string, OneOrMany>> = {};
  for (const [operator, keys] of Object.entries(first)) {
    for (const [key, wanted] of Object.entries(keys)) {
      const others = rest.map((block) => block[operator]?.[key]);
      const all = [wanted, ...others].flatMap((value) => value ?? []);
      if (others.every((other) => other !== undefined))
        (kept[operator] ??= {})[key] = [...new Set(all)].sort();
    }
  }
  return kept;
}

/** Actions with the same resources and conditions, in one statement. */
function together(live: readonly Live[]): readonly Live[] {
  const groups = new Map<string, Live>();
  for (const { actions, filled } of live) {
    const key = JSON.stringify(filled);
    const known = groups.get(key)?.actions ?? [];
    groups.set(key, { filled, actions: [...known, ...actions] });
  }
  return [...groups.values()];
}

function carrier(templates: readonly [PreparedTemplate, ...PreparedTemplate[]]): PreparedTemplate {
  const [{ template, ...first }] = templates;
  const exceptions = new Set<FenceException>(templates.flatMap(({ template: { exceptions } }) => exceptions));
  return {
    ...first,
    template: { ...template, exceptions: [...exceptions] },
    statements: [],
    folds: new Map(),
    compiled: new Map(),
  };
}

/**
 * The strict fence of a template with an exception (no environment tag at all) would deny what others may do, so it
 * stands for the excepted action alone; and where another template has that action too, on production alone.
 */
function tagFences(
  templates: readonly [PreparedTemplate, ...PreparedTemplate[]],
  pieces: readonly Piece[],
): readonly Statement[] {
  const [{ template, guardrails, ...first }] = templates;
  const plain = { ...first, guardrails, template: { ...template, exceptions: [] } };
  const live = pieces.map(({ action, filled }) => ({ actions: [action], filled }));
  const strict = new Set(
    pieces.filter(({ of, action }) => exempt(of, action)).map(({ action }) => action.pattern),
  );
  return [
    tagFence(plain, live),
    ...[...strict].map((pattern) => {
      const members = pieces.filter(({ action }) => action.pattern === pattern);
      return neverTagged(pattern, guardrails, {
        everywhere: members.every(({ of, action }) => exempt(of, action)),
      });
    }),
  ];
}

const neverTagged = (
  action: string,
  { environmentTag, nonProduction }: Guardrails,
  { everywhere }: { readonly everywhere: boolean },
): Statement => ({
  Effect: "Deny",
  Action: action,
  Resource: "*",
  Condition: {
    "ForAnyValue:StringEqualsIgnoreCase": { "aws:TagKeys": environmentTag },
    ...(everywhere
      ? {}
      : { StringNotEqualsIgnoreCase: { [`aws:ResourceTag/${environmentTag}`]: nonProduction } }),
  },
});

/**
 * A stack can be deleted with a role of the caller's choosing. Within one template check refuses to delete stacks and
 * pass on production's role; together, one template may do the first and another the second.
 */
export function deletingRoles(live: readonly Live[], nonProduction: readonly string[]): readonly Statement[] {
  const action = "cloudformation:DeleteStack";
  const passed = live
    .filter(({ actions }) => actions.some(({ pattern }) => pattern === "iam:PassRole"))
    .flatMap(({ filled }) => filled.resource);
  const deletes = live.some(({ actions }) => actions.some(({ pattern }) => pattern === action));
  return !deletes || passed.every((role) => nonProduction.includes(role))
    ? []
    : [
        {
          Effect: "Deny",
          Action: action,
          Resource: "*",
          Condition: {
            Null: { "cloudformation:RoleArn": "false" },
            StringNotLike: { "cloudformation:RoleArn": nonProduction },
          },
        },
      ];
}
