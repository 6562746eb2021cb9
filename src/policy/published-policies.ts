/**
 * Every managed policy that a policy set needs, as a pure function of the set: accounts × templates, and the
 * guardrails. What `twokey policy publish` makes true and the proof asks about.
 */
import { MINTS_CREDENTIALS } from "./credential-minting.ts";
import type { ServedPolicy } from "./serve.ts";
import type { Account, Guardrails } from "./set.ts";
import { everyPublished, publish, type PublishedPolicy } from "./split.ts";

/** In the order of accounts and templates; the guardrails of each account first. */
export function publishedPolicies({ set, templates }: ServedPolicy): readonly PublishedPolicy[] {
  return set.accounts.flatMap((account) => [
    ...guardrailPolicies(set.guardrails, account),
    ...[...templates.values()]
      .filter(({ template }) => template.accounts?.includes(account.id) ?? true)
      .flatMap((prepared) => everyPublished(prepared, account)),
  ]);
}

/**
 * The floor, for the AI roles themselves: it holds whatever session policy a session has. Denies alone, so that it
 * can be attached beside any policy and grants nothing. Many short statements fill a managed policy; each Deny
 * stands alone, so they may stand in several.
 */
export function guardrailPolicies(guardrails: Guardrails, account: Account): readonly PublishedPolicy[] {
  const actions = [...new Set([...guardrails.floor, ...MINTS_CREDENTIALS.patterns])].sort();
  const chunks = Array.from({ length: Math.ceil(actions.length / CHUNK) }, (_, index) =>
    actions.slice(index * CHUNK, (index + 1) * CHUNK),
  );
  return publish(
    "guardrails",
    account,
    chunks.map((chunk) => ({ Effect: "Deny", Action: chunk, Resource: "*" })),
  );
}

/** Actions a statement: at most 40 of under 128 characters each are far below a managed policy's limit. */
const CHUNK = 40;
