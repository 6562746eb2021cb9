/**
 * The one place where a call is allowed or refused: every policy that applies to the caller, through the
 * project's evaluator, and AWS's own words for a refusal. Never allows by itself.
 */
import { evaluate } from "../policy/iam/evaluate.ts";
import { globMatch } from "../policy/iam/match.ts";
import type { ContextValue, Evaluation, Layer } from "../policy/iam/types.ts";
import { ok } from "../result.ts";
import type { Ask, Call } from "./call.ts";
import { type Answered, fault } from "./fault.ts";

export function authorize(call: Call, ask: Ask): Answered<null> {
  const { caller } = call;
  const resourceAccount = ask.resourceAccount ?? caller.account.id;
  const evaluation = evaluate(
    {
      principal: {
        arn: caller.arn,
        account: caller.account.id,
        ...(caller.role === null ? {} : { roleArn: caller.role.arn }),
      },
      action: ask.action,
      resource: ask.resource,
      resourceAccount,
      context: contextOf(call, ask),
    },
    {
      ...caller.policies,
      scp: caller.account.scps,
      resource: ask.trust ?? null,
    },
  );
  // A role's trust policy must allow. Elsewhere in one account an identity policy is enough by itself.
  const trusted = ask.trust === undefined || has(evaluation, "resource");
  if (evaluation.decision === "allowed" && trusted) return ok(null);
  return fault("AccessDenied", denial(call, ask, evaluation), 403);
}

const has = (evaluation: Evaluation, layer: Layer): boolean =>
  evaluation.matched.some((statement) => statement.layer === layer && statement.effect === "Allow");

function contextOf(call: Call, ask: Ask): Record<string, ContextValue> {
  return {
    ...call.caller.context,
    "aws:CurrentTime": call.now.toISOString(),
    "aws:EpochTime": Math.floor(call.now.getTime() / 1000),
    "aws:RequestedRegion": call.region,
    // Loopback stands in for TLS: AWS itself is never reached otherwise, and real policies demand it.
    "aws:SecureTransport": true,
    ...senderContext(call),
    ...resourceTagContext(call, ask),
    ...ask.context,
  };
}

/**
 * A service's own address says nothing of the caller, so there is none. A service role's calls are its own, not
 * made on anybody's behalf.
 */
function senderContext({ service, sourceIp, userAgent }: Call): Record<string, ContextValue> {
  if (service === null)
    return {
      "aws:SourceIp": sourceIp,
      "aws:ViaAWSService": false,
      ...(userAgent === null ? {} : { "aws:UserAgent": userAgent }),
    };
  if (service.as === "service role") return { "aws:ViaAWSService": false };
  return {
    "aws:ViaAWSService": true,
    "aws:CalledVia": [service.name],
    "aws:CalledViaFirst": service.name,
    "aws:CalledViaLast": service.name,
  };
}

function resourceTagContext(call: Call, ask: Ask): Record<string, ContextValue> {
  if (ask.resourceTags === undefined) return {};
  const carried = call.actions
    .action(ask.action)
    ?.resources.some((resource) => resource.tagged && globMatch(resource.arn, ask.resource));
  if (carried !== true) return {};
  return Object.fromEntries(ask.resourceTags.map((tag) => [`aws:ResourceTag/${tag.key}`, tag.value]));
}

/** AWS names one kind of policy although several may deny. Which one it prefers is not published. */
const NAMES: readonly (readonly [Layer, string, string])[] = [
  ["session", "a session policy", "session policy"],
  ["boundary", "a permissions boundary", "permissions boundary"],
  ["identity", "an identity-based policy", "identity-based policy"],
  ["resource", "a resource-based policy", "resource-based policy"],
  ["scp", "a service control policy", "service control policy"],
];

/** https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html */
function denial(call: Call, ask: Ask, evaluation: Evaluation): string {
  const action = call.actions.action(ask.action)?.name ?? ask.action;
  const on = ask.resource === "*" ? "" : ` on resource: ${ask.resource}`;
  const plain = `User: ${call.caller.arn} is not authorized to perform: ${action}${on}`;
  if (evaluation.decision === "explicitDeny") {
    const layer = NAMES.find(([name]) => evaluation.matched.some((statement) => statement.layer === name));
    if (layer?.[0] === "resource") return `${plain} with an explicit deny in the role trust policy`;
    return `${plain} with an explicit deny${layer === undefined ? "" : ` in ${layer[1]}`}`;
  }
  // AWS does not say more when a trust policy lets nobody in, nor whether the role exists.
  if (ask.trust !== undefined && !has(evaluation, "resource")) return plain;
  return `${plain} because no ${missingLayer(call, evaluation)} allows the ${action} action`;
}

function missingLayer(call: Call, evaluation: Evaluation): string {
  const { policies, account } = call.caller;
  if (account.scps !== null && !everyLevelAllows(account.scps.length, evaluation))
    return "service control policy";
  const present = {
    identity: true,
    boundary: policies.boundary !== null,
    session: policies.session !== null,
  } as const;
  for (const layer of ["identity", "boundary", "session"] as const)
    if (present[layer] && !has(evaluation, layer))
      return NAMES.find(([name]) => name === layer)?.[2] ?? layer;
  return "resource-based policy";
}

const everyLevelAllows = (levels: number, evaluation: Evaluation): boolean =>
  Array.from({ length: levels }, (_, level) => level).every((level) =>
    evaluation.matched.some(
      (statement) => statement.layer === "scp" && statement.policy.startsWith(`${level}.`),
    ),
  );
