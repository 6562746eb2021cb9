/**
 * One statement, compiled: its matchers, and whether it applies to a request. Must not know layers.
 *
 * A statement with a policy variable that has no value does not apply, whatever its effect: decided in
 * docs/decisions/001-unresolved-policy-variables.md.
 */
import { conditionHolds, type Condition } from "./condition.ts";
import type { ContextIndex } from "./context.ts";
import { compileGlob, matchesGlob, type Glob } from "./match.ts";
import { isExcepted, reachOf, type Caller, type PrincipalNames, type Reach } from "./principal.ts";
import type { Layer } from "./types.ts";
import { globPieces, valueOf, type Template, type Variable } from "./variables.ts";

export interface ActionMatcher {
  readonly negated: boolean;
  /** Lower case, without wildcards. */
  readonly names: ReadonlySet<string>;
  /** Over the whole lower-case `service:action`. */
  readonly globs: readonly Glob[];
}

export interface ResourceMatcher {
  readonly negated: boolean;
  readonly globs: readonly Glob[];
  /** Those with variables: compiled for each request. */
  readonly templates: readonly Template[];
}

export interface ParsedStatement {
  /** The Sid, or the statement's index in its document. */
  readonly name: string;
  readonly effect: "Allow" | "Deny";
  /** Null in identity policies. */
  readonly principal: { readonly negated: boolean; readonly names: PrincipalNames } | null;
  readonly action: ActionMatcher;
  /** Null in trust policies: the role that holds the policy. */
  readonly resource: ResourceMatcher | null;
  readonly conditions: readonly Condition[];
  /** Every variable the statement holds. */
  readonly variables: readonly Variable[];
}

/** A request made ready for matching. */
export interface PreparedRequest {
  /** ASCII lower case, known to be a full `service:action`. */
  readonly action: string;
  readonly resource: string;
  readonly context: ContextIndex;
  readonly caller: Caller;
}

/** A statement that applies to a request, and where it stands: see MatchedStatement. */
export interface Match {
  readonly layer: Layer;
  readonly policy: string;
  readonly statement: ParsedStatement;
  readonly reach: Reach;
}

/** How the statement reaches the caller, or null where it does not apply. Identity statements reach directly. */
export function statementReach(statement: ParsedStatement, request: PreparedRequest): Reach | null {
  if (!actionMatches(statement.action, request.action)) return null;
  for (const variable of statement.variables) if (valueOf(variable, request.context) === null) return null;
  if (statement.resource !== null && !resourceMatches(statement.resource, request)) return null;
  const reach = principalReach(statement, request.caller);
  if (reach === null) return null;
  for (const condition of statement.conditions) if (!conditionHolds(condition, request.context)) return null;
  return reach;
}

function principalReach({ principal }: ParsedStatement, caller: Caller): Reach | null {
  if (principal === null) return "direct";
  if (principal.negated) return isExcepted(principal.names, caller) ? null : "direct";
  return reachOf(principal.names, caller);
}

export function actionMatches(matcher: ActionMatcher, action: string): boolean {
  return (matcher.names.has(action) || matchesSome(matcher.globs, action)) !== matcher.negated;
}

function resourceMatches(matcher: ResourceMatcher, { resource, context }: PreparedRequest): boolean {
  const listed =
    matchesSome(matcher.globs, resource) ||
    matcher.templates.some((template) => matchesGlob(compileGlob(globPieces(template, context)), resource));
  return listed !== matcher.negated;
}

function matchesSome(globs: readonly Glob[], value: string): boolean {
  for (const glob of globs) if (matchesGlob(glob, value)) return true;
  return false;
}
