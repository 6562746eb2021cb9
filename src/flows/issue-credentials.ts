/**
 * The one path on which credentials are minted:
 *
 *   token → agent → request → policy decision → attempt → credentials
 *   attempt: session named → intent recorded → STS AssumeRole, once → outcome recorded
 *
 * That order may never change. No record, no credential: what STS issued is withheld and dropped when its outcome
 * is not certainly recorded. STS is called once for each session and never inside a transaction.
 *
 * A grant goes the same way: the policy decision is made again (use-grant.ts), and the intent's transaction consumes
 * the grant before STS is asked.
 *
 * Where STS certainly issued nothing because the policy's packed size was too large, and that is on record, the
 * split form is tried: one more attempt, a session of its own. The Idempotency-Key belongs to the first attempt's
 * intent and stays spent whatever the second brings, so the second takes none. A grant has no second form: the bytes
 * are what people approved.
 */
import type { Idempotency, IntentRefusal, Outcome } from "../audit/log.ts";
import type { Escalation } from "../escalation/escalation.ts";
import type { Failure } from "../failure.ts";
import type { Agent } from "../identity/agent.ts";
import type { Task } from "../identity/task.ts";
import type { GrantWish } from "../policy/decide-escalation.ts";
import { decide, splitForm, type IssuePlan, type SessionWish } from "../policy/decide.ts";
import { err, ok, type Result } from "../result.ts";
import type { AssumedRole, AssumeRoleFault, AssumeRoleRequest } from "../session/assume-role.ts";
import type { Credentials } from "../session/credentials.ts";
import { nameSession, SESSION_RANDOM_BYTES, sessionTags } from "../session/name.ts";
import { grantRequestDigest, requestDigest } from "../session/request-digest.ts";
import type { Session } from "../session/session.ts";
import { admit, refuse, type Broker, type Call } from "./admit.ts";
import { machineFailure, planGrant } from "./use-grant.ts";

/** A standing template's session, or a grant's. */
export type IssueRequest = ({ readonly wish: SessionWish } | { readonly grant: GrantWish }) & {
  readonly idempotencyKey: string | null;
};

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
  const order = { broker, call, agent: admitted.value };

  const request = await readRequest();
  if (!request.ok) return err(await refuse(broker, call, order.agent, request.error));
  return "grant" in request.value
    ? issueGrant(order, request.value.grant, request.value.idempotencyKey)
    : issueStanding(order, request.value.wish, request.value.idempotencyKey);
}

/** The ports and data one attempt runs on. */
export type Minting = Pick<Broker, "policy" | "audit" | "assumeRole" | "clock" | "randomBytes">;

/** What every attempt at one request shares. */
export interface Order<B extends Minting = Broker> {
  readonly broker: B;
  readonly call: Pick<Call, "requestId" | "route">;
  readonly agent: Agent;
}

async function issueStanding(
  order: Order,
  wish: SessionWish,
  idempotencyKey: string | null,
): Promise<Result<Issued, Failure>> {
  const { broker, call, agent } = order;
  const decision = decide(agent, wish, broker.policy);
  if (!decision.ok) return err(await refuse(broker, call, agent, decision.error));
  const plan = decision.value;

  const idempotency = keyed(idempotencyKey, requestDigest(wish));
  const whole = await attempt(order, { plan, task: wish.task, idempotency, grant: null });
  if (whole.ok || whole.error.code !== "packed_policy_too_large") return whole;
  const split = splitForm(plan, broker.policy);
  if (split === null) return whole;
  return attempt(order, { plan: split, task: wish.task, idempotency: null, grant: null });
}

async function issueGrant(
  order: Order,
  wish: GrantWish,
  idempotencyKey: string | null,
): Promise<Result<Issued, Failure>> {
  const { broker, call, agent } = order;
  const planned = await planGrant(broker, agent, wish);
  if (!planned.ok) return err(await refuse(broker, call, agent, planned.error));
  const { plan, task, grant } = planned.value;
  return attempt(order, { plan, task, idempotency: keyed(idempotencyKey, grantRequestDigest(wish)), grant });
}

const keyed = (key: string | null, bodyDigest: string): Idempotency | null =>
  key === null ? null : { key, bodyDigest };

/** The grant an attempt consumes. `check`: pure, run again inside the transaction that consumes it. */
export interface Grant {
  readonly escalation: string;
  readonly check: (escalation: Escalation, now: Date) => Result<null, Failure>;
}

export interface Attempt {
  readonly plan: IssuePlan;
  readonly task: Task;
  readonly idempotency: Idempotency | null;
  readonly grant: Grant | null;
}

/** One session: its intent, its one call of STS, its outcome. A refusal is recorded. */
export async function attempt(
  order: Order<Minting>,
  { plan, task, idempotency, grant }: Attempt,
): Promise<Result<Issued, Failure>> {
  const { broker, call, agent } = order;
  const session = newSession(order, plan, task, grant);
  const intent = await recordIntent(order, session, idempotency, grant);
  if (!intent.ok) {
    const recorded = intent.error.code === "record_unavailable";
    return err(recorded ? intent.error : await refuse(broker, call, agent, intent.error));
  }

  const assumed = await broker.assumeRole(stsRequest(session, plan));

  const outcome = await recordOutcome(order, session, assumed);
  if (outcome === null) return err({ code: "record_unavailable", step: "outcome" });
  if (!assumed.ok) return err(stsFailure(assumed.error, plan));
  // Frozen while STS was asked: the credentials are dropped here.
  if (!outcome.delivered) return err({ code: "session_frozen", session: session.id });
  return ok({ credentials: assumed.value.credentials, session, plan, entry: outcome.entry });
}

function newSession(
  { broker, agent }: Order<Minting>,
  plan: IssuePlan,
  task: Task,
  grant: Grant | null,
): Session {
  return {
    ...nameSession(agent.name, broker.randomBytes(SESSION_RANDOM_BYTES)),
    agent: agent.name,
    owner: agent.owner,
    proof: agent.proof,
    template: plan.template.name,
    parameters: plan.parameters,
    account: plan.account.id,
    roleArn: plan.roleArn,
    task,
    durationSeconds: plan.durationSeconds,
    policyDigest: plan.compiled.digest,
    policyArns: plan.compiled.policyArns,
    policyVersion: broker.policy.set.digest,
    escalation: grant?.escalation ?? null,
    requestedAt: broker.clock(),
  };
}

async function recordIntent(
  { broker, call }: Order<Minting>,
  session: Session,
  idempotency: Idempotency | null,
  grant: Grant | null,
): Promise<Result<null, Failure>> {
  const use = grant && {
    escalation: grant.escalation,
    choose: (escalation: Escalation, now: Date) => {
      const checked = grant.check(escalation, now);
      return checked.ok ? ok({ kind: "consumed", session: session.id } as const) : checked;
    },
  };
  try {
    const context = { requestId: call.requestId, idempotency, grant: use };
    const written = await broker.audit.recordIntent<Failure>(session, context);
    return written.ok ? ok(null) : err(intentFailure(written.error));
  } catch {
    return err({ code: "record_unavailable", step: "intent" });
  }
}

function intentFailure(refusal: IntentRefusal<Failure>): Failure {
  switch (refusal.reason) {
    case "idempotency_key_used": {
      const code = refusal.sameBody ? "already_issued" : "idempotency_conflict";
      return { code, session: refusal.session };
    }
    case "frozen":
      return { code: "frozen", target: refusal.by };
    case "grant_not_found":
      return { code: "not_found" };
    case "grant_refused":
      return refusal.failure;
    case "grant_machine":
      return machineFailure(refusal.escalation, refusal.fault);
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

/** The outcome's entry, and whether it may be delivered; null when the record is not certain: then nothing may. */
async function recordOutcome(
  { broker, call }: Order<Minting>,
  session: Session,
  assumed: Result<AssumedRole, AssumeRoleFault>,
): Promise<{ readonly entry: number; readonly delivered: boolean } | null> {
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
    return await broker.audit.recordOutcome(session, outcome, {
      requestId: call.requestId,
      at: broker.clock(),
    });
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
