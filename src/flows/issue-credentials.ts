/**
 * The one path on which credentials are minted:
 *
 *   token → agent → request → policy decision → attempt → credentials
 *   attempt: session named → intent recorded → STS AssumeRole, once → outcome recorded
 *
 * That order may never change. No record, no credential: what STS issued is withheld and dropped when its outcome
 * is not certainly recorded. STS is called once for each session and never inside a transaction.
 *
 * Where STS certainly issued nothing because the policy's packed size was too large, and that is on record, the
 * split form is tried: one more attempt, a session of its own. The Idempotency-Key belongs to the first attempt's
 * intent and stays spent whatever the second brings, so the second takes none.
 */
import type { Idempotency, Outcome } from "../audit/log.ts";
import type { Failure } from "../failure.ts";
import type { Agent } from "../identity/agent.ts";
import { decide, splitForm, type IssuePlan, type SessionWish } from "../policy/decide.ts";
import { err, ok, type Result } from "../result.ts";
import type { AssumedRole, AssumeRoleFault, AssumeRoleRequest } from "../session/assume-role.ts";
import type { Credentials } from "../session/credentials.ts";
import { nameSession, SESSION_RANDOM_BYTES, sessionTags } from "../session/name.ts";
import { requestDigest } from "../session/request-digest.ts";
import type { Session } from "../session/session.ts";
import { admit, refuse, type Broker, type Call } from "./admit.ts";

export interface IssueRequest {
  readonly wish: SessionWish;
  readonly idempotencyKey: string | null;
}

export interface Issued {
  readonly credentials: Credentials;
  readonly session: Session;
  readonly plan: IssuePlan;
  /** Index of the audit entry that records the issue. */
  readonly entry: number;
}

/** `readRequest` is called only once the agent is known, so that nobody else makes the broker read a body. */
export async function issueCredentials(
  broker: Broker,
  call: Call,
  readRequest: () => Promise<Result<IssueRequest, Failure>>,
): Promise<Result<Issued, Failure>> {
  const admitted = await admit(broker, call);
  if (!admitted.ok) return admitted;
  const agent = admitted.value;

  const request = await readRequest();
  if (!request.ok) return err(await refuse(broker, call, agent, request.error));

  const decision = decide(agent, request.value.wish, broker.policy);
  if (!decision.ok) return err(await refuse(broker, call, agent, decision.error));
  const plan = decision.value;

  const order = { broker, call, agent, request: request.value };
  const whole = await attempt(order, plan, request.value.idempotencyKey);
  if (whole.ok || whole.error.code !== "packed_policy_too_large") return whole;
  const split = splitForm(plan, broker.policy);
  return split === null ? whole : attempt(order, split, null);
}

/** What every attempt at one request shares. */
interface Order {
  readonly broker: Broker;
  readonly call: Call;
  readonly agent: Agent;
  readonly request: IssueRequest;
}

/** One session: its intent, its one call of STS, its outcome. */
async function attempt(
  { broker, call, agent, request }: Order,
  plan: IssuePlan,
  idempotencyKey: string | null,
): Promise<Result<Issued, Failure>> {
  const session = newSession(broker, agent, request.wish, plan);
  const intent = await recordIntent(broker, call, session, { wish: request.wish, idempotencyKey });
  if (!intent.ok) {
    const recorded = intent.error.code === "record_unavailable";
    return err(recorded ? intent.error : await refuse(broker, call, agent, intent.error));
  }

  const assumed = await broker.assumeRole(stsRequest(session, plan));

  const entry = await recordOutcome(broker, call, session, assumed);
  if (entry === null) return err({ code: "record_unavailable", step: "outcome" });
  if (!assumed.ok) return err(stsFailure(assumed.error, plan));
  return ok({ credentials: assumed.value.credentials, session, plan, entry });
}

function newSession(broker: Broker, agent: Agent, wish: SessionWish, plan: IssuePlan): Session {
  return {
    ...nameSession(agent.name, broker.randomBytes(SESSION_RANDOM_BYTES)),
    agent: agent.name,
    owner: agent.owner,
    proof: agent.proof,
    template: plan.template.name,
    parameters: plan.parameters,
    account: plan.account.id,
    roleArn: plan.roleArn,
    task: wish.task,
    durationSeconds: plan.durationSeconds,
    policyDigest: plan.compiled.digest,
    policyArns: plan.compiled.policyArns,
    policyVersion: broker.policy.set.digest,
    escalation: null,
    requestedAt: broker.clock(),
  };
}

async function recordIntent(
  broker: Broker,
  call: Call,
  session: Session,
  { wish, idempotencyKey }: IssueRequest,
): Promise<Result<null, Failure>> {
  const idempotency: Idempotency | null =
    idempotencyKey === null ? null : { key: idempotencyKey, bodyDigest: requestDigest(wish) };
  try {
    const written = await broker.audit.recordIntent(session, { requestId: call.requestId, idempotency });
    if (written.ok) return ok(null);
    const code = written.error.sameBody ? "already_issued" : "idempotency_conflict";
    return err({ code, session: written.error.session });
  } catch {
    return err({ code: "record_unavailable", step: "intent" });
  }
}

function stsRequest(session: Session, plan: IssuePlan): AssumeRoleRequest {
  return {
    roleArn: session.roleArn,
    roleSessionName: session.roleSessionName,
    sourceIdentity: session.id,
    externalId: plan.account.externalId,
    tags: sessionTags(session.id, session.escalation),
    policy: plan.compiled.policy,
    policyArns: plan.compiled.policyArns,
    durationSeconds: session.durationSeconds,
    region: plan.account.region,
  };
}

/** The outcome's entry index; null when the record is not certain, and then nothing may be delivered. */
async function recordOutcome(
  broker: Broker,
  call: Call,
  session: Session,
  assumed: Result<AssumedRole, AssumeRoleFault>,
): Promise<number | null> {
  const outcome: Outcome = assumed.ok
    ? {
        state: "issued",
        accessKeyId: assumed.value.credentials.accessKeyId,
        assumedRoleArn: assumed.value.assumedRoleArn,
        expiresAt: assumed.value.credentials.expiration,
        packedPolicySize: assumed.value.packedPolicySize,
      }
    : {
        state: assumed.error.certainty === "definite" ? "failed" : "unknown",
        code: assumed.error.code,
        message: assumed.error.message,
      };
  try {
    // STS may have taken seconds: the clock is read again.
    const context = { requestId: call.requestId, at: broker.clock() };
    return (await broker.audit.recordOutcome(session, outcome, context)).entry;
  } catch {
    return null;
  }
}

/** AWS documents the first spelling; its SDKs have shown the second. */
const PACKED_TOO_LARGE: ReadonlySet<string> = new Set([
  "PackedPolicyTooLarge",
  "PackedPolicyTooLargeException",
]);
const THROTTLED: ReadonlySet<string> = new Set([
  "Throttling",
  "ThrottlingException",
  "ThrottledException",
  "RequestThrottled",
  "RequestThrottledException",
  "RequestLimitExceeded",
  "TooManyRequestsException",
]);

function stsFailure(fault: AssumeRoleFault, plan: IssuePlan): Failure {
  const facts = { stsCode: fault.code, message: fault.message };
  if (fault.certainty === "unknown") return { code: "sts_unknown", ...facts };
  if (THROTTLED.has(fault.code)) return { code: "sts_throttled", ...facts };
  if (PACKED_TOO_LARGE.has(fault.code)) {
    return { code: "packed_policy_too_large", template: plan.template.name };
  }
  return { code: "sts_refused", ...facts, policyArns: plan.compiled.policyArns };
}
