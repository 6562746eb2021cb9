/**
 * The request to serve a changed policy set: asked for once, found again after a restart and on other replicas, used
 * once, withdrawn when nobody wants it any more. What is served is not decided here; see activate-policy.ts.
 */
import { escalationDigest } from "../escalation/digest.ts";
import type { Escalation, EscalationEvent, FrozenRule, PolicyContent } from "../escalation/escalation.ts";
import { joinKey } from "../escalation/join-key.ts";
import { policyRequestId } from "../escalation/policy-request-id.ts";
import type { EscalationStore } from "../escalation/store.ts";
import type { HumanStore } from "../identity/human-store.ts";
import type { ActivationStore, ActiveSet } from "../policy/activation-store.ts";
import { canonicalJson } from "../policy/digest.ts";
import type { ServedPolicy } from "../policy/serve.ts";
import { err, ok, type Result } from "../result.ts";
import { approvalsNow, humansNow } from "./use-grant.ts";

export interface RequestPolicyParts {
  /** What the next set means against the one before, a sentence each. */
  readonly changes: (before: ServedPolicy, after: ServedPolicy) => readonly string[];
  readonly activations: Pick<ActivationStore, "keep">;
  readonly escalations: Pick<EscalationStore, "request" | "change" | "find" | "list">;
  readonly humans: Pick<HumanStore, "memberships" | "passkeys">;
}

/** The set in force, and the one that the folder holds. */
export interface Here {
  readonly active: ActiveSet;
  readonly inForce: ServedPolicy;
  readonly folder: ServedPolicy;
}

/**
 * The last request for the folder's set. Where it was not answered, or there is none, and somebody is `asking`, a new
 * one; a denial is an answer. Null: nobody asked.
 */
export async function lastRequest(
  parts: RequestPolicyParts,
  here: Here,
  { rule, asking }: { readonly rule: FrozenRule; readonly asking: boolean },
): Promise<Escalation | null> {
  const { active, folder } = here;
  const asked = { generation: active.generation, from: active.digest, to: folder.set.digest };
  let last: Escalation | null = null;
  for (let number = 0; ; number += 1) {
    const id = policyRequestId({ ...asked, number });
    const found = await parts.escalations.find(id);
    if (found === null) return asking ? request(parts, here, { id, rule }) : last;
    if (found.state !== "expired" && found.state !== "cancelled") return found;
    last = found;
  }
}

async function request(
  { changes, activations, escalations }: RequestPolicyParts,
  { active, inForce, folder }: Here,
  { id, rule }: { readonly id: string; readonly rule: FrozenRule },
): Promise<Escalation> {
  const { set, files, table } = folder;
  // First of all: what people approve must be there to be served, whatever becomes of the folder.
  await activations.keep({ digest: set.digest, files, actionData: table.version });
  const means = changes(inForce, folder);
  const content: PolicyContent = {
    kind: "policy",
    id,
    from: active.digest,
    to: set.digest,
    changes: means.length === 0 ? [ONLY_WORDS] : means,
    rule,
  };
  const canonical = canonicalJson(content);
  const requested = await escalations.request({
    content,
    canonical,
    digest: escalationDigest(canonical),
    joinKey: joinKey(content, canonicalJson),
    request: null,
    policyVersion: inForce.set.digest,
  });
  if (!requested.ok) throw new Error(`a policy set's request was refused: ${requested.error.reason}`);
  return requested.value.escalation;
}

const ONLY_WORDS =
  "changed: titles, descriptions, order or expected cases, and nothing that a session can do";

/** Whether people approved it, counted as of now by the rule in force. The approval is used up by that. */
export async function mayActivate(
  { escalations, humans }: RequestPolicyParts,
  { id, state }: Escalation,
  { active, inForce, folder }: Here,
  rule: FrozenRule,
): Promise<boolean> {
  // Used, and still the same time in force: whoever used it died before the swap.
  if (state === "consumed") return true;
  if (state !== "approved") return false;
  const now = await humansNow({ humans, policy: inForce });
  const choose = (locked: Escalation): Result<EscalationEvent, null> => {
    const { content, canonical, digest } = locked;
    const asked =
      content.kind === "policy" &&
      content.from === active.digest &&
      content.to === folder.set.digest &&
      canonicalJson(content.rule) === canonicalJson(rule) &&
      digest === escalationDigest(canonical);
    return asked && approvalsNow(locked, now) >= rule.quorum
      ? ok({ kind: "consumed", session: content.to })
      : err(null);
  };
  const changed = await escalations.change(id, byBroker(inForce), choose);
  // Another replica may have been faster, and have died since.
  return changed.ok || (await escalations.find(id))?.state === "consumed";
}

const byBroker = ({ set }: ServedPolicy) => ({
  requestId: null,
  policyVersion: set.digest,
  nonce: null,
  counter: null,
});

/**
 * Takes back what nobody can want any more: requests made against another set in force, and those for a set that the
 * folder no longer holds. Another replica's folder may lag: while it runs, a replica withdraws its own request only.
 */
export async function withdrawRequests(
  parts: RequestPolicyParts,
  { active, inForce, folder }: Here,
  own: { readonly held: { readonly request: Pick<Escalation, "id"> | null } | null } | null,
): Promise<void> {
  for (const { id, content } of await openRequests(parts)) {
    const stale = content.from !== active.digest;
    const unwanted = content.to !== folder.set.digest && (own === null || own.held?.request?.id === id);
    if (!stale && !unwanted) continue;
    // Decided or over meanwhile: then there is nothing to take back.
    await parts.escalations.change(id, byBroker(inForce), () => ok({ kind: "cancelled", by: "policy" }));
  }
}

const PAGE = 100;

async function openRequests({ escalations }: RequestPolicyParts) {
  const open: { readonly id: string; readonly content: PolicyContent }[] = [];
  let before: string | null = null;
  for (;;) {
    const states = ["pending", "approved"] as const;
    const page: readonly Escalation[] = await escalations.list({ agent: null, states, limit: PAGE, before });
    open.push(...page.flatMap(({ id, content }) => (content.kind === "policy" ? [{ id, content }] : [])));
    before = page.at(-1)?.id ?? null;
    if (page.length < PAGE) return open;
  }
}
