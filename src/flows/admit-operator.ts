/**
 * What a request of an operator's tools begins with: the operators' token. Operators may stop things and read the log;
 * they approve and thaw nothing, since that takes a person's passkey. The refusal is recorded.
 */
import type { Failure } from "../failure.ts";
import { err, ok, type Result } from "../result.ts";
import { admit, refuse, type Broker, type Call } from "./admit.ts";

export async function admitOperator(broker: Broker, call: Call): Promise<Result<null, Failure>> {
  const { unverifiedToken } = call;
  if (unverifiedToken !== null && broker.isOperator(unverifiedToken)) return ok(null);
  return err(await refuse(broker, call, null, { code: "operator_refused" }));
}

/** An operator, or an agent by its workload token: for what shows hashes and signatures alone. */
export async function admitReader(broker: Broker, call: Call): Promise<Result<null, Failure>> {
  const { unverifiedToken } = call;
  if (unverifiedToken !== null && broker.isOperator(unverifiedToken)) return ok(null);
  const agent = await admit(broker, call);
  return agent.ok ? ok(null) : agent;
}
