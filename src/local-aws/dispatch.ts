/**
 * One request from the wire to its answer: who, what, may they, do it, record it. Whether it may be done, and doing
 * it, is perform.ts.
 */
import type { ActionTable } from "../policy/knowledge.ts";
import { ok } from "../result.ts";
import type { Call, Operations, Plan } from "./call.ts";
import { type Authenticated, authenticate } from "./caller.ts";
import { CLOUDFORMATION_OPERATIONS } from "./cloudformation/operations.ts";
import type { Answered, AwsFault } from "./fault.ts";
import { IAM_OPERATIONS } from "./iam/operations.ts";
import { elsewhere, operationOf, prefixOf, unsignedOperation } from "./other-services.ts";
import { noParameters, type Parameters, parseForm } from "./parameters.ts";
import { perform } from "./perform.ts";
import { faultAnswer, protocolOf, queryAnswer, type WireResponse } from "./protocols.ts";
import { type Random, uuid } from "./random.ts";
import type { WireRequest } from "./sigv4.ts";
import type { World } from "./state.ts";
import { STS_OPERATIONS } from "./sts/operations.ts";

export interface Surroundings {
  readonly world: World;
  readonly actions: ActionTable;
  readonly clock: () => Date;
  readonly random: Random;
}

const SERVICES: ReadonlyMap<string, Operations> = new Map([
  ["sts", STS_OPERATIONS],
  ["iam", IAM_OPERATIONS],
  ["cloudformation", CLOUDFORMATION_OPERATIONS],
]);

export function dispatch(around: Surroundings, request: WireRequest): WireResponse {
  const requestId = uuid(around.random);
  const now = around.clock();
  const unsaid = (fault: AwsFault): WireResponse =>
    faultAnswer(protocolOf(request, null), fault, requestId, null);

  const form = formOf(request);
  if (!form.ok) return unsaid(form.error);
  if (!request.headers.has("authorization")) {
    const byDesign = unsignedOperation(form.value?.text("Action"));
    if (!byDesign.ok) return unsaid(byDesign.error);
  }
  const who = authenticate(around.world, request, now);
  if (!who.ok) return unsaid(who.error);
  return answer(around, request, { who: who.value, form: form.value, requestId, now });
}

/** Null for a request that is no form. */
function formOf(request: WireRequest): Answered<Parameters | null> {
  const type = request.headers.get("content-type") ?? "";
  if (request.method !== "POST" || !type.startsWith("application/x-www-form-urlencoded")) return ok(null);
  return parseForm(request.body.toString("utf8"));
}

interface Proved {
  readonly who: Authenticated;
  readonly form: Parameters | null;
  readonly requestId: string;
  readonly now: Date;
}

function answer(around: Surroundings, request: WireRequest, proved: Proved): WireResponse {
  const { who, form, requestId, now } = proved;
  const { region, service } = who.claim.scope;
  const call: Call = {
    world: around.world,
    actions: around.actions,
    caller: who.caller,
    region,
    parameters: form ?? noParameters(),
    now,
    random: around.random,
    requestId,
    sourceIp: request.sourceIp,
    userAgent: request.headers.get("user-agent") ?? null,
    service: null,
  };
  const { operation, plan, own } = planOf(call, request, service, form);
  const done = perform(call, { service: prefixOf(service), operation, own }, plan);
  return done.ok
    ? queryAnswer({ operation, result: done.value.result }, service, requestId)
    : faultAnswer(protocolOf(request, service), done.error, requestId, service);
}

interface Planned {
  readonly operation: string;
  readonly plan: Answered<Plan>;
  /** Whether it is an operation of this AWS's own services. */
  readonly own: boolean;
}

function planOf(call: Call, request: WireRequest, service: string, form: Parameters | null): Planned {
  const name = operationOf(request, form?.text("Action"));
  const operation = form === null || name === null ? undefined : SERVICES.get(service)?.get(name);
  if (operation !== undefined && name !== null) return { operation: name, plan: operation(call), own: true };
  const other = elsewhere(call, request, service, name);
  return { operation: other.operation, plan: ok(other.plan), own: false };
}
