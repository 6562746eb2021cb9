/**
 * Makes a session policy smaller without changing what it allows, and knows the limit it must meet. Nothing here
 * needs the action data: each step rests on the ceiling, which denies every action that is not the template's own,
 * those AWS has yet to publish included.
 *
 *   1. In a Deny, a list of actions may also match what the ceiling denies anyway.
 *   2. The Allows may be widened to whole services, since every limit they state is a Deny as well.
 *
 * A Deny is never dropped, and the ceiling itself is never folded.
 */
import { globMatch, globsMayOverlap } from "./iam/match.ts";
import type { OneOrMany, PolicyDocument, Statement } from "./iam/types.ts";

/** STS: inline session policy, characters of JSON text. */
export const SESSION_POLICY_LIMIT = 2048;

/**
 * Foldings already worked out, by what they cover and avoid. They depend on a template's actions alone, so each
 * prepared template keeps its own; searching for one costs milliseconds, and a mint must not.
 */
export type FoldMemo = Map<string, Reach>;

/** Which actions a statement speaks of. */
type Reach = Pick<Statement, "Action"> | Pick<Statement, "NotAction">;

/**
 * The first of the forms that fits, or the smallest there is. JSON without white space. `own`: the actions under
 * the ceiling, where that stands in another document of the session.
 */
export function fit(
  document: PolicyDocument,
  limit: number,
  memo: FoldMemo,
  own = actionsUnderCeiling(document.Statement),
): { readonly document: PolicyDocument; readonly text: string } {
  const plain = { document, text: JSON.stringify(document) };
  if (plain.text.length <= limit) return plain;
  const folded = withStatements(document, (statements) => foldDenies(statements, memo, own));
  if (folded.text.length <= limit) return folded;
  return withStatements(folded.document, widenAllows);
}

function withStatements(
  document: PolicyDocument,
  step: (statements: readonly Statement[]) => readonly Statement[],
): { readonly document: PolicyDocument; readonly text: string } {
  const next = { ...document, Statement: step(document.Statement) };
  return { document: next, text: JSON.stringify(next) };
}

const list = (value: OneOrMany | undefined): readonly string[] =>
  value === undefined ? [] : typeof value === "string" ? [value] : value;

const one = (texts: readonly string[]): OneOrMany =>
  texts.length === 1 && texts[0] !== undefined ? texts[0] : texts;

/** The one statement that denies everything but the template's own actions, whatever the resource. */
function isCeiling(statement: Statement): boolean {
  return (
    statement.Effect === "Deny" &&
    statement.NotAction !== undefined &&
    statement.Resource === "*" &&
    statement.Condition === undefined
  );
}

/** The template's own actions: all that the ceiling does not deny. */
export const actionsUnderCeiling = (statements: readonly Statement[]): readonly string[] =>
  list(statements.find(isCeiling)?.NotAction);

function foldDenies(
  statements: readonly Statement[],
  memo: FoldMemo,
  own: readonly string[],
): readonly Statement[] {
  return statements.map((statement) => {
    if (statement.Effect === "Allow" || statement.Action === undefined || statement.Action === "*")
      return statement;
    const { Effect, Action, ...rest } = statement;
    return { Effect, ...shortest(memo, list(Action), own), ...rest };
  });
}

/** The shortest way to name the wanted ones among a template's own actions. */
function shortest(memo: FoldMemo, wanted: readonly string[], own: readonly string[]): Reach {
  const key = `${wanted.join()}|${own.join()}`;
  const known = memo.get(key);
  if (known !== undefined) return known;
  const others = own.filter((pattern) => !wanted.includes(pattern));
  // An own pattern that overlaps a wanted one would take it out of the Deny.
  const apart = !others.some((other) => wanted.some((w) => globsMayOverlap(w, other, { ignoreCase: true })));
  const complement: Reach = others.length === 0 ? { Action: "*" } : { NotAction: one(others) };
  const forms: readonly Reach[] = [
    { Action: one(wanted) },
    { Action: one(foldActions(wanted, others)) },
    ...(apart ? [complement] : []),
  ];
  const best = forms.reduce((a, b) => (JSON.stringify(b).length < JSON.stringify(a).length ? b : a));
  memo.set(key, best);
  return best;
}

/** Few short patterns that together match every wanted action and none of the others. Greedy. */
function foldActions(wanted: readonly string[], others: readonly string[]): readonly string[] {
  const candidates = [...new Set(wanted.flatMap(candidatesFor))].filter(
    (candidate) => !others.some((other) => globsMayOverlap(candidate, other, { ignoreCase: true })),
  );
  const chosen: string[] = [];
  let left = wanted;
  while (left.length > 0) {
    let best = { pattern: left[0] ?? "", covers: 1 };
    for (const pattern of candidates) {
      const covers = left.filter((action) => covered(pattern, action)).length;
      if (covers / (pattern.length + 3) > best.covers / (best.pattern.length + 3)) best = { pattern, covers };
    }
    chosen.push(best.pattern);
    left = left.filter((action) => action !== best.pattern && !covered(best.pattern, action));
  }
  return chosen;
}

/** A wildcard pattern is only ever covered by itself: what it matches is not known here. */
const covered = (pattern: string, action: string): boolean =>
  pattern === action || (!/[*?]/.test(action) && globMatch(pattern, action, { ignoreCase: true }));

/** Every prefix and every suffix of the action's name, within its service. */
function candidatesFor(action: string): readonly string[] {
  if (/[*?]/.test(action)) return [];
  const colon = action.indexOf(":");
  const [service, name] = [action.slice(0, colon + 1), action.slice(colon + 1)];
  const cuts = Array.from({ length: name.length }, (_, index) => index);
  return cuts.flatMap((cut) => [`${service}${name.slice(0, cut)}*`, `${service}*${name.slice(cut)}`]);
}

function widenAllows(statements: readonly Statement[]): readonly Statement[] {
  const allowed = statements.filter(({ Effect }) => Effect === "Allow").flatMap(({ Action }) => list(Action));
  const serviceOf = (pattern: string): string => pattern.slice(0, pattern.indexOf(":") + 1);
  const widened = allowed.map((pattern) =>
    allowed.some((other) => other !== pattern && serviceOf(other) === serviceOf(pattern))
      ? `${serviceOf(pattern)}*`
      : pattern,
  );
  return [
    { Effect: "Allow", Action: one([...new Set(widened)].sort()), Resource: "*" },
    ...statements.filter(({ Effect }) => Effect === "Deny"),
  ];
}
