/**
 * The only place that runs an operation. It runs none whose questions were not all answered with yes, and what
 * became of it is an event, refused or not.
 */
import { authorize } from "./authorize.ts";
import type { Answer, Call, Plan } from "./call.ts";
import { eventOf } from "./events.ts";
import type { Answered } from "./fault.ts";
import { uuid } from "./random.ts";

export interface Performed {
  /** Prefix of the service's actions. */
  readonly service: string;
  readonly operation: string;
  /** Whether it is an operation of this AWS's own services: only of those are parameters kept. */
  readonly own: boolean;
}

export function perform(call: Call, what: Performed, plan: Answered<Plan>): Answered<Answer> {
  const done = plan.ok ? askAndRun(call, plan.value) : plan;
  call.world.events.push(
    eventOf({
      caller: call.caller,
      service: what.service,
      operation: what.operation,
      region: call.region,
      now: call.now,
      eventId: uuid(call.random),
      requestId: call.requestId,
      sourceIp: call.sourceIp,
      userAgent: call.userAgent,
      invokedBy: call.service?.name ?? null,
      parameters: what.own ? call.parameters.entries : null,
      responseElements: done.ok ? (done.value.responseElements ?? null) : null,
      fault: done.ok ? null : done.error,
    }),
  );
  return done;
}

function askAndRun(call: Call, plan: Plan): Answered<Answer> {
  for (const ask of plan.asks) {
    const allowed = authorize(call, ask);
    if (!allowed.ok) return allowed;
  }
  return plan.run();
}
