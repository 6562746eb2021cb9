/**
 * What every flow an agent starts begins and may end with: token → agent, and the one place a refusal is
 * recorded. Never answers a refusal that could not be recorded as if it had been.
 */
import type { AuditLog } from "../audit/log.ts";
import { reasonOf, type Failure } from "../failure.ts";
import type { Polls } from "../escalation/poll.ts";
import type { EscalationStore } from "../escalation/store.ts";
import type { Agent, AgentName } from "../identity/agent.ts";
import type { HumanStore } from "../identity/human-store.ts";
import { matchAgent } from "../identity/match.ts";
import type { VerifyToken } from "../identity/verify.ts";
import type { OidcLogin, Site, Webauthn } from "../identity/webauthn.ts";
import type { ServedPolicy } from "../policy/serve.ts";
import type { PolicyFault } from "../policy/set.ts";
import { err, ok, type Result } from "../result.ts";
import type { AssumeRole } from "../session/assume-role.ts";
import type { ReadChangeSet } from "../session/read-change-set.ts";
import type { LogReader } from "../audit/reader.ts";
import type { DenyOnRole } from "../session/denial.ts";
import type { FreezeStore } from "../session/freeze-store.ts";

/** The ports and data the flows run on. One is made for each request, which so finishes on the set it began with. */
export interface Broker {
  readonly verifyToken: VerifyToken;
  readonly policy: ServedPolicy;
  /** Faults of the folder, which is not served because of them; null where what stands there is served. */
  readonly policyRefused: readonly PolicyFault[] | null;
  readonly audit: AuditLog;
  readonly escalations: EscalationStore;
  readonly humans: HumanStore;
  readonly assumeRole: AssumeRole;
  readonly freezes: FreezeStore;
  readonly denyOnRole: DenyOnRole;
  /** The log as it is hashed. */
  readonly tree: LogReader;
  /** 32 bytes of Ed25519: what the log's checkpoints are signed with. */
  readonly auditKey: Uint8Array;
  /** Whether a token is the operators'; see admit-operator.ts. */
  readonly isOperator: (unverifiedToken: string) => boolean;
  /** Whether a token is Watch's; see record-alarm.ts. */
  readonly isWatch: (unverifiedToken: string) => boolean;
  readonly readChangeSet: ReadChangeSet;
  readonly webauthn: Webauthn;
  /** Null: no OIDC provider is set up, people sign in with their passkeys. */
  readonly oidc: OidcLogin | null;
  readonly site: Site;
  /** A passkey decides only after it was enrolled for so long. */
  readonly passkeyDelaySeconds: number;
  /** When which escalation was last polled; lives as long as the process. See escalation/poll.ts. */
  readonly polls: Polls;
  readonly clock: () => Date;
  readonly randomBytes: (count: number) => Uint8Array;
}

/** One request as it reached the broker. */
export interface Call {
  readonly requestId: string;
  /** Method and path of the route, e.g. `POST /v1/credentials`: ours, never the client's spelling. */
  readonly route: string;
  /** What stood after `Bearer `, or null. */
  readonly unverifiedToken: string | null;
  /** Aborts when the broker stops or the client went away: whoever waits answers at once. */
  readonly stopping: AbortSignal;
  /** Told once who asks, for the request's line in the operator's log. */
  readonly onAgent: (name: AgentName) => void;
}

/** An agent, and the token it proved itself with this time. */
export interface AdmittedAgent extends Agent {
  readonly token: { readonly id: string; readonly expiresAt: Date };
}

/** Token → agent. The refusal is recorded. */
export async function admit(broker: Broker, call: Call): Promise<Result<AdmittedAgent, Failure>> {
  const agent = await identify(broker, call.unverifiedToken);
  if (!agent.ok) return err(await refuse(broker, call, null, agent.error));
  call.onAgent(agent.value.name);
  return agent;
}

async function identify(
  broker: Broker,
  unverifiedToken: string | null,
): Promise<Result<AdmittedAgent, Failure>> {
  if (unverifiedToken === null) {
    return err({ code: "invalid_token", fault: { reason: "missing", detail: "no bearer token" } });
  }
  const claims = await broker.verifyToken(unverifiedToken, broker.clock());
  if (!claims.ok) return err({ code: "invalid_token", fault: claims.error });
  const agent = matchAgent(claims.value, broker.policy.set.registry);
  if (!agent.ok) return err({ code: "invalid_token", fault: agent.error });
  const { tokenId, expiresAt } = claims.value;
  return ok({ ...agent.value, token: { id: tokenId, expiresAt: new Date(expiresAt * 1000) } });
}

/** Records a refusal and returns what to answer: the failure itself, or that it could not be recorded. */
export async function refuse(
  broker: Pick<Broker, "audit" | "clock" | "policy">,
  call: Pick<Call, "requestId" | "route">,
  agent: Agent | null,
  failure: Failure,
): Promise<Failure> {
  try {
    await broker.audit.append({
      kind: "request.refused",
      at: broker.clock(),
      requestId: call.requestId,
      agent: agent?.name ?? null,
      owner: agent?.owner ?? null,
      person: null,
      session: null,
      escalation: "escalation" in failure ? failure.escalation : null,
      policyVersion: broker.policy.set.digest,
      detail: { route: call.route, code: failure.code, reason: reasonOf(failure) },
    });
    return failure;
  } catch {
    return { code: "record_unavailable", step: "entry" };
  }
}
