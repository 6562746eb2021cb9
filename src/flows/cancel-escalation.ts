/** An agent takes its own request back: token → agent → escalation → cancelled. A grant that was not used ends too. */
import type { ChangeRefusal } from "../escalation/store.ts";
import type { Failure } from "../failure.ts";
import { err, ok, type Result } from "../result.ts";
import { admit, refuse, type Broker, type Call } from "./admit.ts";
import { showEscalation, type ShownEscalation } from "./show-escalations.ts";
import { ownContent } from "./use-grant.ts";

/** `readId`: called once the agent is known. */
export async function cancelEscalation(
  broker: Broker,
  call: Call,
  readId: () => Result<string, Failure>,
): Promise<Result<ShownEscalation, Failure>> {
  const admitted = await admit(broker, call);
  if (!admitted.ok) return admitted;
  const agent = admitted.value;
  const id = readId();
  if (!id.ok) return err(await refuse(broker, call, agent, id.error));

  const { requestId } = call;
  const context = { requestId, policyVersion: broker.policy.set.digest, nonce: null, counter: null };
  try {
    const changed = await broker.escalations.change<Failure>(id.value, context, (escalation) =>
      ownContent(escalation, agent) === null
        ? err({ code: "not_found" })
        : ok({ kind: "cancelled", by: "agent" }),
    );
    if (changed.ok) return await showEscalation(broker, changed.value.escalation);
    return err(await refuse(broker, call, agent, cancelFailure(id.value, changed.error)));
  } catch {
    return err({ code: "record_unavailable", step: "entry" });
  }
}

function cancelFailure(id: string, refusal: ChangeRefusal<Failure>): Failure {
  if (refusal.reason === "refused") return refusal.failure;
  if (refusal.reason !== "machine") return { code: "not_found" };
  const { fault } = refusal;
  return fault.reason === "closed"
    ? { code: "escalation_closed", escalation: id, state: fault.state }
    : { code: "expired_token", escalation: id };
}
