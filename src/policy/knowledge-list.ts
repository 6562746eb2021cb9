/**
 * The shape of a curated list of actions: patterns grouped under the reason they stand there. The lists themselves
 * are one file each (destroyers, other-roles, credential-minting, resource-policies, sensitive-reads); what they
 * mean for a template is decided elsewhere.
 */
import { globMatch } from "./iam/match.ts";

export interface ActionList {
  /** Every pattern, `service:Action` with `*` and `?`. */
  readonly patterns: readonly string[];
  /** Why the action is on the list, as a clause; null where it is not. Ignores case, as IAM does. */
  reason(action: string): string | null;
}

/** `groups`: patterns by their reason. */
export function actionList(groups: Readonly<Record<string, readonly string[]>>): ActionList {
  const byService = new Map<string, { readonly pattern: string; readonly reason: string }[]>();
  for (const [reason, patterns] of Object.entries(groups)) {
    for (const pattern of patterns) {
      const service = serviceOf(pattern);
      const rows = byService.get(service) ?? [];
      rows.push({ pattern, reason });
      byService.set(service, rows);
    }
  }
  return {
    patterns: Object.values(groups).flat(),
    reason: (action) =>
      byService
        .get(serviceOf(action))
        ?.find(({ pattern }) => globMatch(pattern, action, { ignoreCase: true }))?.reason ?? null,
  };
}

const serviceOf = (name: string): string => name.slice(0, Math.max(0, name.indexOf(":"))).toLowerCase();
