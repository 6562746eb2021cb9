/**
 * One resource made, changed, replaced or taken away. Those of the types in iam/ are real; every other one is an
 * id. What is replaced or taken out of the template goes last, when all else stands, as in AWS.
 */
import type { Call } from "../call.ts";
import { ok } from "../../result.ts";
import { type Answered, type AwsFault, fault } from "../fault.ts";
import { mergeTags } from "../tags.ts";
import { nameProperty, replaces, type ResourceChange, same } from "./diff.ts";
import type { Acting } from "./iam/acting.ts";
import { checkProperties, tagJson, tagsIn, textOf } from "./iam/properties.ts";
import type { RealType, Stood } from "./iam/real-type.ts";
import { REAL_TYPES } from "./iam/real-types.ts";
import { madeUpName, namesIn } from "./names.ts";
import { resolve, whole } from "./resolve.ts";
import type { Intention, Stack, StackResource } from "./stack.ts";
import { isObject, type JsonObject, type TemplateResource } from "./template.ts";

/** Everything that one stack becoming something else takes. */
export interface Site {
  readonly call: Call;
  readonly stack: Stack;
  readonly intention: Intention;
  readonly acting: Acting;
}

/** The resource as it now is, and the one it took the place of. Null: nothing was to be done. */
export type Standing = { readonly now: StackResource; readonly replaced: StackResource | null } | null;

export function stand(site: Site, logicalId: string, change: ResourceChange | undefined): Answered<Standing> {
  const declared = site.intention.template.resources.get(logicalId);
  if (declared === undefined) return ok(null);
  const type = REAL_TYPES.get(declared.type);
  if (type !== undefined)
    return standReal(site, { logicalId, declared, type, touched: change !== undefined });
  return ok(change === undefined ? null : { now: standId(site, declared, change), replaced: null });
}

function standId(
  { call, stack, intention }: Site,
  declared: TemplateResource,
  change: ResourceChange,
): StackResource {
  const { logicalId, type } = change;
  const old = stack.resources.get(logicalId);
  const keeps = change.action === "Modify" && change.replacement !== "True" && old !== undefined;
  const property = nameProperty(type);
  const given = property === null ? undefined : declared.properties[property];
  const name = given === undefined ? null : resolve(given, namesIn(stack, intention));
  const fresh =
    typeof name === "string" && name !== "" ? name : madeUpName(call.random, stack, logicalId, 255);
  return {
    logicalId,
    type,
    at: call.now,
    physicalId: keeps ? old.physicalId : fresh,
    status: change.action === "Add" ? "CREATE_COMPLETE" : "UPDATE_COMPLETE",
    made: null,
  };
}

interface Wanted {
  readonly logicalId: string;
  readonly declared: TemplateResource;
  readonly type: RealType;
  /** Whether anything about it changed, if only its metadata. */
  readonly touched: boolean;
}

function standReal(site: Site, wanted: Wanted): Answered<Standing> {
  const { call, stack, acting } = site;
  const { logicalId, declared, type } = wanted;
  const properties = propertiesOf(site, wanted);
  if (!properties.ok) return properties;
  const old = stack.resources.get(logicalId);
  const became = (stood: Stood, replaced: StackResource | null): Standing => ({
    now: {
      logicalId,
      type: declared.type,
      at: call.now,
      physicalId: stood.physicalId,
      status: old === undefined ? "CREATE_COMPLETE" : "UPDATE_COMPLETE",
      made: { attributes: stood.attributes, properties: properties.value },
    },
    replaced,
  });
  if (old?.made == null) {
    const stood = handled(type.create(acting, nameFor(site, wanted, properties.value), properties.value));
    return stood.ok ? ok(became(stood.value, null)) : stood;
  }
  const existing = { ...old.made, physicalId: old.physicalId };
  if (same(old.made.properties, properties.value)) return ok(wanted.touched ? became(existing, null) : null);
  if (!mustReplace(declared.type, old.made.properties, properties.value)) {
    const stood = handled(type.update(acting, existing, properties.value));
    return stood.ok ? ok(became(stood.value, null)) : stood;
  }
  const free = checkNameFree(site, wanted, old.made.properties, properties.value);
  if (!free.ok) return free;
  const stood = handled(type.create(acting, nameFor(site, wanted, properties.value), properties.value));
  return stood.ok ? ok(became(stood.value, old)) : stood;
}

/** Resolved to the last, checked, and with the stack's tags where the type carries them. */
function propertiesOf(
  { stack, intention }: Site,
  { logicalId, declared, type }: Wanted,
): Answered<JsonObject> {
  const resolved = whole(declared.properties, namesIn(stack, intention));
  if (!resolved.ok) return resolved;
  const properties = isObject(resolved.value) ? resolved.value : {};
  const fits = checkProperties(logicalId, type.rules, properties);
  if (!fits.ok) return fits;
  const tags = type.tagged ? mergeTags(intention.tags, tagsIn(properties)) : [];
  return ok(tags.length === 0 ? properties : { ...properties, Tags: tagJson(tags) });
}

const nameFor = ({ call, stack }: Site, { logicalId, type }: Wanted, properties: JsonObject): string =>
  (type.name === null ? null : textOf(properties, type.name)) ??
  madeUpName(call.random, stack, logicalId, type.longestName);

const mustReplace = (type: string, old: JsonObject, now: JsonObject): boolean =>
  [...new Set([...Object.keys(old), ...Object.keys(now)])].some(
    (property) => replaces(type, property) && !same(old[property] ?? null, now[property] ?? null),
  );

/** The new one is made before the old one goes, so they cannot have one name. */
function checkNameFree({ stack }: Site, { type }: Wanted, old: JsonObject, now: JsonObject): Answered<null> {
  const name = type.name === null ? null : textOf(now, type.name);
  if (name === null || type.name === null || name !== textOf(old, type.name)) return ok(null);
  return fault(
    "ValidationError",
    `CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename ${name} and update the stack ${stack.name} again.`,
  );
}

/** Takes away what stood there. */
export function takeAway(acting: Acting, resource: StackResource): Answered<null> {
  const type = REAL_TYPES.get(resource.type);
  if (type === undefined || resource.made === null) return ok(null);
  return handled(type.remove(acting, { ...resource.made, physicalId: resource.physicalId }));
}

const HANDLER_CODES: ReadonlyMap<string, string> = new Map([
  ["AccessDenied", "AccessDenied"],
  ["EntityAlreadyExists", "AlreadyExists"],
  ["LimitExceeded", "ServiceLimitExceeded"],
  ["NoSuchEntity", "NotFound"],
]);

/** IAM's refusal in the words of an event's reason. */
function handled<T>(answer: Answered<T>): Answered<T> {
  if (answer.ok) return answer;
  const { code, message, status }: AwsFault = answer.error;
  const handler = HANDLER_CODES.get(code) ?? "InvalidRequest";
  return fault(
    code,
    `Resource handler returned message: "${message} (Service: Iam, Status Code: ${status})" (HandlerErrorCode: ${handler})`,
    status,
  );
}
