/**
 * What Watch reports: its token → its alarm → one entry of the log. Answered when the entry is durable, so that Watch
 * sends again what was not. Its token opens nothing else, and an alarm changes nothing by itself: people freeze.
 */
import type { WatchAlarm } from "../audit/alarm.ts";
import type { Failure } from "../failure.ts";
import { err, ok, type Result } from "../result.ts";
import { refuse, type Broker, type Call } from "./admit.ts";

export async function recordAlarm(
  broker: Broker,
  call: Call,
  readAlarm: () => Promise<Result<WatchAlarm, Failure>>,
): Promise<Result<{ readonly entry: number }, Failure>> {
  const { unverifiedToken } = call;
  if (unverifiedToken === null || !broker.isWatch(unverifiedToken)) {
    return err(await refuse(broker, call, null, { code: "watch_refused" }));
  }
  const alarm = await readAlarm();
  if (!alarm.ok) return err(await refuse(broker, call, null, alarm.error));
  try {
    return ok(await append(broker, call, alarm.value));
  } catch {
    return err({ code: "record_unavailable", step: "entry" });
  }
}

function append(
  broker: Broker,
  { requestId }: Call,
  detail: WatchAlarm,
): Promise<{ readonly entry: number }> {
  return broker.audit.append({
    kind: "watch.alarm",
    at: broker.clock(),
    requestId,
    agent: null,
    owner: null,
    person: null,
    session: null,
    escalation: null,
    policyVersion: broker.policy.set.digest,
    detail,
  });
}
