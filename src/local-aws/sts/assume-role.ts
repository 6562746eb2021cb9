/**
 * sts:AssumeRole. Order: limits of the request, what chaining carries over, the policies (by the dispatcher),
 * then what only an allowed caller may learn: durations, policy ARNs, the packed size. A session comes into
 * being here and nowhere else, together with its line in the mint ledger.
 */
import type { ContextValue } from "../../policy/iam/types.ts";
import { ok } from "../../result.ts";
import type { Answer, Ask, Call, Plan } from "../call.ts";
import type { RoleSession } from "../credentials.ts";
import { type Answered, fault, invalid } from "../fault.ts";
import { secretKey, sessionToken, temporaryKeyId } from "../random.ts";
import { type Role, roleByArn } from "../state.ts";
import { mergeTags, requestTagContext, sameKey, type Tag } from "../tags.ts";
import type { XmlStructure } from "../xml.ts";
import { type AssumeRoleInput, readAssumeRole } from "./assume-role-request.ts";
import { packedSize } from "./packed-size.ts";

const CHAINED_SECONDS = 3_600;
const DEFAULT_SECONDS = 3_600;

export function assumeRole(call: Call): Answered<Plan> {
  const input = readAssumeRole(call.parameters);
  if (!input.ok) return input;
  const carried = inherit(call, input.value);
  if (!carried.ok) return carried;
  if (call.caller.kind === "root")
    return fault("AccessDenied", "Roles may not be assumed by root accounts.", 403);
  const role = roleByArn(call.world, input.value.roleArn);
  return ok({
    asks: asks(input.value, carried.value, role),
    run: () => (role === undefined ? invalid("no such role") : issue(call, input.value, carried.value, role)),
  });
}

/** Tags and source identity of the new session, inherited ones included. */
interface Carried {
  readonly tags: readonly Tag[];
  readonly transitiveKeys: readonly string[];
  readonly sourceIdentity: string | null;
}

/** Transitive tags and the source identity survive chaining and cannot be changed by it. */
function inherit(call: Call, input: AssumeRoleInput): Answered<Carried> {
  const from = call.caller.session;
  const inheritedKeys = from?.transitiveKeys ?? [];
  const inherited = (from?.tags ?? []).filter((tag) => inheritedKeys.some((key) => sameKey(key, tag.key)));
  const repeated = input.tags.find((tag) => inherited.some((other) => sameKey(other.key, tag.key)));
  if (repeated !== undefined)
    return fault(
      "InvalidParameterValue",
      `One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session: ${repeated.key}`,
    );
  const fixed = from?.sourceIdentity ?? null;
  if (fixed !== null && input.sourceIdentity !== null && input.sourceIdentity !== fixed)
    return fault("AccessDenied", "The source identity of the calling session cannot be changed.", 403);
  return ok({
    tags: mergeTags(input.tags, inherited),
    transitiveKeys: [...input.transitiveKeys, ...inherited.map((tag) => tag.key)],
    sourceIdentity: fixed ?? input.sourceIdentity,
  });
}

/**
 * Three actions, each with its own condition keys only: a statement that allows sts:TagSession on
 * `sts:ExternalId` allows nothing, as in AWS.
 */
function asks(input: AssumeRoleInput, carried: Carried, role: Role | undefined): readonly Ask[] {
  const base = {
    resource: input.roleArn,
    resourceAccount: role?.account ?? input.roleArn.split(":")[4] ?? "",
    resourceTags: role?.tags ?? [],
    trust: role?.trust.parsed ?? null,
  };
  const tagKeys: Record<string, ContextValue> = {
    ...requestTagContext(input.tags),
    ...(input.transitiveKeys.length === 0 ? {} : { "sts:TransitiveTagKeys": input.transitiveKeys }),
  };
  const source: Record<string, ContextValue> =
    carried.sourceIdentity === null ? {} : { "sts:SourceIdentity": carried.sourceIdentity };
  return [
    {
      ...base,
      action: "sts:AssumeRole",
      context: {
        ...tagKeys,
        ...source,
        "sts:RoleSessionName": input.sessionName,
        ...(input.externalId === null ? {} : { "sts:ExternalId": input.externalId }),
      },
    },
    ...(carried.tags.length === 0 ? [] : [{ ...base, action: "sts:TagSession", context: tagKeys }]),
    ...(carried.sourceIdentity === null
      ? []
      : [{ ...base, action: "sts:SetSourceIdentity", context: source }]),
  ];
}

function issue(call: Call, input: AssumeRoleInput, carried: Carried, role: Role): Answered<Answer> {
  const seconds = duration(call, input, role);
  if (!seconds.ok) return seconds;
  const policies = call.world.accounts.get(role.account)?.policies;
  const unknown = input.policyArns.find((arn) => policies?.has(arn) !== true);
  if (unknown !== undefined)
    return invalid(`Policy ${unknown} does not exist in the account of the role, or is not attachable.`);
  const narrowed = input.policy !== null || input.policyArns.length > 0 || carried.tags.length > 0;
  const packed = narrowed
    ? packedSize({
        policy: input.policy?.text ?? null,
        policyArns: input.policyArns,
        tags: carried.tags,
      })
    : null;
  if (packed !== null && packed > 100)
    return fault(
      "PackedPolicyTooLarge",
      `Packed size of session tags and policies consumes ${packed}% of allotted space.`,
    );
  // The wire has whole seconds, and aws:TokenIssueTime with them.
  const issuedAt = new Date(Math.floor(call.now.getTime() / 1000) * 1000);
  return deliver(call, packed, {
    account: role.account,
    roleArn: role.arn,
    roleId: role.id,
    roleName: role.name,
    name: input.sessionName,
    ...carried,
    policy: input.policy,
    policyArns: input.policyArns,
    issuedAt,
    expiresAt: new Date(issuedAt.getTime() + seconds.value * 1000),
  });
}

function duration(call: Call, input: AssumeRoleInput, role: Role): Answered<number> {
  const seconds = input.duration ?? DEFAULT_SECONDS;
  if (call.caller.kind === "role" && seconds > CHAINED_SECONDS)
    return invalid(
      "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
    );
  return seconds > role.maxSessionDuration
    ? invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    : ok(seconds);
}

function deliver(call: Call, packed: number | null, session: RoleSession): Answered<Answer> {
  const accessKeyId = temporaryKeyId(call.random);
  const secret = secretKey(call.random);
  const token = sessionToken(call.random);
  call.world.credentials.add({
    accessKeyId,
    secretAccessKey: secret,
    sessionToken: token,
    holder: { kind: "role", account: session.account, session },
  });
  const arn = `arn:aws:sts::${session.account}:assumed-role/${session.roleName}/${session.name}`;
  call.world.mints.push({
    at: call.now,
    requestId: call.requestId,
    by: call.caller.arn,
    accessKeyId,
    assumedRoleArn: arn,
    roleArn: session.roleArn,
    sourceIdentity: session.sourceIdentity,
    tags: session.tags,
    transitiveKeys: session.transitiveKeys,
    policy: session.policy?.text ?? null,
    policyArns: session.policyArns,
    packedPolicySize: packed,
    expiresAt: session.expiresAt,
  });
  const keys = {
    AccessKeyId: accessKeyId,
    SecretAccessKey: secret,
    SessionToken: token,
    Expiration: session.expiresAt,
  };
  return ok(answer(session, arn, packed, keys));
}

/** The keys go to their owner; what is recorded of them is the id. */
function answer(
  session: RoleSession,
  arn: string,
  packed: number | null,
  keys: XmlStructure & { readonly AccessKeyId: string },
): Answer {
  const assumedRoleId = `${session.roleId}:${session.name}`;
  return {
    result: {
      SourceIdentity: session.sourceIdentity,
      AssumedRoleUser: { AssumedRoleId: assumedRoleId, Arn: arn },
      Credentials: keys,
      PackedPolicySize: packed,
    },
    responseElements: {
      credentials: { accessKeyId: keys.AccessKeyId, expiration: session.expiresAt.toISOString() },
      assumedRoleUser: { assumedRoleId, arn },
      ...(session.sourceIdentity === null ? {} : { sourceIdentity: session.sourceIdentity }),
      ...(packed === null ? {} : { packedPolicySize: packed }),
    },
  };
}
