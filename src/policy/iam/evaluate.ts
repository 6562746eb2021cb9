/**
 * AWS's decision over all policies that apply to a request. Pure: the context is all it knows, and what the context
 * does not hold is absent. Any doubt is a deny.
 *
 * The rules, from "Policy evaluation logic" in the IAM User Guide, in order:
 * 1. A Deny that applies, in any layer, wins.
 * 2. Every SCP level must allow, for resource policy grants too.
 * 3. Within an account, a resource policy grant to the caller itself (user, session, or everyone) is enough: an
 *    implicit deny elsewhere does not limit it. A grant to a session's role is enough on the identity side, but
 *    boundary and session policy must still allow. A grant to the account only delegates.
 * 4. Across accounts the resource policy must grant and the identity side must allow as well.
 * 5. The identity side allows when identity policy, boundary and session policy each do, where present. An
 *    account's root user needs no identity policy. A service or federated caller has no identity side.
 * 6. A role's trust policy and a KMS key policy must always grant, also within the account.
 *
 * For sts:AssumeRole (and sts:TagSession, sts:SetSourceIdentity, each its own request) the target role is the
 * resource, its trust policy the `resource` layer, parsed with `resourcePolicy` and `allowMissingResource`; the other
 * layers are the caller's. local-aws asks in this way.
 */
import type { ParsedPolicy } from "./parse.ts";
import { allowedReason, denyReason, missingReason } from "./reason.ts";
import { prepareRequest } from "./request.ts";
import { statementReach, type Match, type PreparedRequest } from "./statement.ts";
import { isRootUser, type Reach } from "./principal.ts";
import type { Evaluation, EvaluationRequest, Layer, MatchedStatement } from "./types.ts";

export interface PolicyLayers {
  readonly identity: readonly ParsedPolicy[];
  /** The documents given when the session was made, inline and by ARN together; null where there were none. */
  readonly session: readonly ParsedPolicy[] | null;
  readonly boundary: readonly ParsedPolicy[] | null;
  /** One entry a level (root, OU, account), each the policies attached there; null outside an organisation. */
  readonly scp: readonly (readonly ParsedPolicy[])[] | null;
  /** Parsed with `resourcePolicy`. */
  readonly resource: ParsedPolicy | null;
}

/** All that applies to one request. */
interface Matches {
  readonly denies: Match[];
  readonly allows: Match[];
  /** The first SCP level without an Allow. */
  scpGap: number | null;
}

export function evaluate(request: EvaluationRequest, layers: PolicyLayers): Evaluation {
  const prepared = prepareRequest(request);
  if (!prepared.ok) {
    return { decision: "implicitDeny", matched: [], reason: `Refused: ${prepared.error}.` };
  }
  const matches = matchAll(layers, prepared.value);
  const [deny] = matches.denies;
  if (deny !== undefined) {
    const reason = denyReason(deny, prepared.value, request);
    return { decision: "explicitDeny", matched: matches.denies.map(describe), reason };
  }
  const matched = matches.allows.map(describe);
  const missing = missingAllow(request, prepared.value, layers, matches);
  return missing === null
    ? { decision: "allowed", matched, reason: allowedReason(matches.allows, request) }
    : { decision: "implicitDeny", matched, reason: missingReason(missing, request) };
}

const describe = ({ layer, policy, statement }: Match): MatchedStatement => ({
  layer,
  policy,
  statement: statement.name,
  effect: statement.effect,
});

function matchAll(layers: PolicyLayers, request: PreparedRequest): Matches {
  if (layers.resource?.kind === "identity") {
    // Its statements name no principal, so they would grant to anybody.
    throw new Error("the resource layer needs a policy parsed with resourcePolicy");
  }
  const matches: Matches = { denies: [], allows: [], scpGap: null };
  collect(matches, request, { layer: "identity", policies: layers.identity });
  if (layers.resource !== null) collect(matches, request, { layer: "resource", policies: [layers.resource] });
  if (layers.boundary !== null) collect(matches, request, { layer: "boundary", policies: layers.boundary });
  if (layers.session !== null) collect(matches, request, { layer: "session", policies: layers.session });
  for (const [level, policies] of (layers.scp ?? []).entries()) {
    const before = matches.allows.length;
    collect(matches, request, { layer: "scp", policies, level });
    if (matches.allows.length === before) matches.scpGap ??= level;
  }
  return matches;
}

function collect(
  into: Matches,
  request: PreparedRequest,
  from: { readonly layer: Layer; readonly policies: readonly ParsedPolicy[]; readonly level?: number },
): void {
  for (const [index, { statements }] of from.policies.entries()) {
    for (const statement of statements) {
      const reach = statementReach(statement, request);
      if (reach === null) continue;
      const policy = from.level === undefined ? String(index) : `${from.level}.${index}`;
      const list = statement.effect === "Deny" ? into.denies : into.allows;
      list.push({ layer: from.layer, policy, statement, reach });
    }
  }
}

const IDENTITY =
  /^arn:aws[a-z-]*:(?:iam::\d{12}:(?:user\/|root$)|sts::\d{12}:(?:assumed-role|federated-user)\/)/;

/** The layer whose missing Allow decides, or null where nothing is missing. Rules 2 to 6 above. */
function missingAllow(
  request: EvaluationRequest,
  prepared: PreparedRequest,
  layers: PolicyLayers,
  { allows, scpGap }: Matches,
): Layer | null {
  if (scpGap !== null) return "scp";
  const { arn, account } = prepared.caller;
  const granted = (reach: Reach): boolean => allows.some((m) => m.layer === "resource" && m.reach === reach);
  const allowedIn = (layer: Layer): boolean => allows.some((match) => match.layer === layer);
  if (!IDENTITY.test(arn)) return granted("direct") ? null : "resource";

  const crossesAccounts = request.resourceAccount !== account;
  const needsGrant =
    crossesAccounts ||
    layers.resource?.kind === "trust" ||
    (layers.resource !== null && prepared.action.startsWith("kms:"));
  if (needsGrant && !allowedIn("resource")) return "resource";
  if (!crossesAccounts && granted("direct")) return null;

  const identity = allowedIn("identity") || isRootUser(arn) || (!crossesAccounts && granted("role"));
  if (!identity) return "identity";
  if (layers.boundary !== null && !allowedIn("boundary")) return "boundary";
  if (layers.session !== null && !allowedIn("session")) return "session";
  return null;
}
