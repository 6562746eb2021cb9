/**
 * The permissions boundary of a role: what all of its templates together may do, production fenced, as one managed
 * policy. Compiled from the same statements as a session policy, so that the fence stands a second time where no
 * session policy does. It is the role's permissions policy as well: it says what the role may do.
 */
import { err, ok, type Result } from "../result.ts";
import { fit } from "./fit.ts";
import type { PolicyDocument, Statement } from "./iam/types.ts";
import type { PreparedTemplate } from "./prepare.ts";
import type { Account, TemplateRole } from "./set.ts";
import type { ServedPolicy } from "./serve.ts";
import { MANAGED_POLICY_LIMIT } from "./split.ts";
import { limits, rolesFence, type Live, type StatementFault } from "./statements.ts";
import { deletingRoles, unionOf, type UnionFault } from "./union.ts";

export type BoundaryFault =
  | StatementFault
  | { readonly reason: "no_template" }
  | { readonly reason: "fences_differ"; readonly of: readonly UnionFault[] }
  | { readonly reason: "boundary_too_large"; readonly size: number; readonly limit: number };

export interface Boundary {
  readonly document: PolicyDocument;
  /** Its JSON without white space: what IAM counts. */
  readonly text: string;
}

/** The pinned roles of every environment but production. ARNs. */
export const nonProductionRoles = ({ serviceRoles }: Account): readonly string[] => [
  ...new Set(
    Object.entries(serviceRoles).flatMap(([environment, arn]) => (environment === "production" ? [] : [arn])),
  ),
];

/** The templates a role's sessions are made from, in one account, in the order of their names. */
export const templatesOf = (
  { templates }: Pick<ServedPolicy, "templates">,
  role: TemplateRole,
  account: Account,
): readonly PreparedTemplate[] =>
  [...templates.values()].filter(
    ({ template }) => template.role === role && (template.accounts?.includes(account.id) ?? true),
  );

export function boundaryOf(
  templates: readonly PreparedTemplate[],
  account: Account,
): Result<Boundary, BoundaryFault> {
  const [first, ...rest] = templates;
  if (first === undefined) return err({ reason: "no_template" });
  const union = unionOf([first, ...rest], [account]);
  if (!union.ok) return err({ reason: "fences_differ", of: union.error });
  const { prepared, live, tags } = union.value;
  const roles = rolesFence(prepared, live, account);
  if (!roles.ok) return roles;
  const actions = live.flatMap((statement) => statement.actions.map(({ pattern }) => pattern));
  const statements: readonly Statement[] = [
    // Where each may be used, and how, is said by the Denies: they hold against a resource policy too.
    { Effect: "Allow", Action: [...new Set(actions)].sort(), Resource: "*" },
    ...limits(prepared, live),
    ...strays(live),
    ...roles.value,
    ...deletingRoles(live, nonProductionRoles(account)),
    ...tags,
  ];
  const fitted = fit({ Version: "2012-10-17", Statement: statements }, MANAGED_POLICY_LIMIT, prepared.folds);
  if (fitted.text.length <= MANAGED_POLICY_LIMIT) return ok(fitted);
  return err({ reason: "boundary_too_large", size: fitted.text.length, limit: MANAGED_POLICY_LIMIT });
}

/**
 * A session policy holds a bucket's name; a boundary only its pattern, and in IAM the `*` of `*-staging/*` runs over
 * `/`, into production's objects below `x-staging/`. So what such a pattern reaches too far is denied again. It costs
 * keys of that kind in staging's own buckets.
 */
export function strays(live: readonly Live[]): readonly Statement[] {
  return live.flatMap(({ actions, filled }): readonly Statement[] => {
    const byName = actions.filter(({ pairs }) =>
      pairs.some((pair) => pair.class === "changed" && !pair.tagged),
    );
    const far = filled.resource.flatMap(reachingFar);
    return byName.length === 0 || far.length === 0
      ? []
      : [{ Effect: "Deny", Action: byName.map(({ pattern }) => pattern), Resource: far }];
  });
}

/** The pattern once for each `*` or `?` that does not end it, with a `/` in its place. */
function reachingFar(pattern: string): readonly string[] {
  return [...pattern.matchAll(/[*?]/g)]
    .filter(({ index }) => index < pattern.length - 1)
    .map(
      ({ 0: wild, index }) =>
        `${pattern.slice(0, index)}${wild === "?" ? "/" : "*/*"}${pattern.slice(index + 1)}`,
    );
}
