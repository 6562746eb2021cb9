/**
 * What a simulation asks: whose policies, which others with them, which actions on which resources, in what context.
 * Nothing of the world's or the caller's own context is filled in: as in AWS, a key that is not sent is not there.
 */
import type { ParsedPolicy, ParseOptions } from "../../policy/iam/parse.ts";
import type { ContextValue } from "../../policy/iam/types.ts";
import { ok } from "../../result.ts";
import { type Answered, fault, missing } from "../fault.ts";
import type { Parameters } from "../parameters.ts";
import { readPolicy } from "../policy-text.ts";

/** An identity or resource policy, and by which name an answer points at it. */
export interface Source {
  readonly id: string;
  readonly type: "role" | "user" | "user-managed" | "resource" | "none";
  readonly policy: ParsedPolicy;
}

export interface Principal {
  /** Of a user, or of a session of the role. */
  readonly arn: string;
  readonly account: string;
  readonly roleArn?: string;
}

export interface Simulated {
  readonly principal: Principal;
  readonly identity: readonly Source[];
  readonly boundary: readonly ParsedPolicy[] | null;
  readonly scp: readonly (readonly ParsedPolicy[])[] | null;
  readonly resource: Source | null;
  readonly actions: readonly string[];
  /** Empty: none was sent, and `*` is asked about. */
  readonly resources: readonly string[];
  /** Account of resources whose ARN names none. */
  readonly owner: string;
  readonly context: Readonly<Record<string, ContextValue>>;
}

const invalidInput = (message: string): Answered<never> => fault("InvalidInput", message);

const ACTION = /^[A-Za-z0-9-]{1,64}:[A-Za-z0-9-]{1,128}$/;
const MOST = 1000;

/** What both operations read alike. `holder` is who is simulated when `CallerArn` does not say otherwise. */
export function readSimulated(
  parameters: Parameters,
  holder: Pick<Simulated, "principal" | "identity" | "boundary" | "scp">,
): Answered<Simulated> {
  for (const name of ["PolicyExclusionList", "ResourceHandlingOption"])
    if (parameters.entries.has(name) || parameters.structures(name) !== undefined)
      return fault("NotInLocalAws", `${name} is not in local AWS.`);
  const actions = parameters.list("ActionNames");
  if (actions === undefined || actions.length === 0) return missing("actionNames");
  const bad = actions.find((action) => !ACTION.test(action));
  if (bad !== undefined) return invalidInput(`Invalid Action: ${bad}`);
  const resources = parameters.list("ResourceArns") ?? [];
  if (actions.length > MOST || resources.length > MOST) return invalidInput(`At most ${MOST} are simulated.`);
  const more = readPolicies(parameters, "PolicyInputList");
  if (!more.ok) return more;
  const boundary = readPolicies(parameters, "PermissionsBoundaryPolicyInputList");
  if (!boundary.ok) return boundary;
  if (boundary.value.length > 1) return invalidInput("Only one permissions boundary can be simulated.");
  const principal = readCaller(parameters, holder.principal);
  if (!principal.ok) return principal;
  const resource = readResourcePolicy(parameters);
  if (!resource.ok) return resource;
  const context = readContext(parameters);
  if (!context.ok) return context;
  return ok({
    principal: principal.value,
    identity: [...holder.identity, ...more.value],
    boundary: boundary.value.length === 0 ? holder.boundary : boundary.value.map(({ policy }) => policy),
    scp: holder.scp,
    resource: resource.value,
    actions,
    resources,
    owner:
      /^arn:aws:iam::(\d{12}):root$/.exec(parameters.text("ResourceOwner") ?? "")?.[1] ??
      principal.value.account,
    context: context.value,
  });
}

export function readPolicies(parameters: Parameters, name: string): Answered<readonly Source[]> {
  const sources: Source[] = [];
  for (const [index, text] of (parameters.list(name) ?? []).entries()) {
    const id = `${name}.${index + 1}`;
    const policy = parsed(text, id);
    if (!policy.ok) return policy;
    sources.push({ id, type: "none", policy: policy.value });
  }
  return ok(sources);
}

function parsed(text: string, at: string, options: ParseOptions = {}): Answered<ParsedPolicy> {
  const policy = readPolicy(text, options);
  return policy.ok
    ? ok(policy.value.parsed)
    : invalidInput(`Invalid policy at ${at}: ${policy.error.message}`);
}

/** One list of policies a level, from the root down; null where none is sent. */
export function readLevels(parameters: Parameters): Answered<Simulated["scp"]> {
  const sent = parameters.structures("OrderedOrganizationPolicyInputList");
  if (sent === undefined) return ok(null);
  const levels: (readonly ParsedPolicy[])[] = [];
  for (const level of sent) {
    const policies = readPolicies(level, "ServiceControlPolicyInputList");
    if (!policies.ok) return policies;
    levels.push(policies.value.map(({ policy }) => policy));
  }
  return ok(levels);
}

function readResourcePolicy(parameters: Parameters): Answered<Source | null> {
  const text = parameters.text("ResourcePolicy");
  if (text === undefined) return ok(null);
  const policy = parsed(text, "ResourcePolicy", { resourcePolicy: true });
  return policy.ok ? ok({ id: "ResourcePolicy", type: "resource", policy: policy.value }) : policy;
}

function readCaller(parameters: Parameters, holder: Principal): Answered<Principal> {
  const arn = parameters.text("CallerArn");
  return arn === undefined ? ok(holder) : principalOf(arn);
}

/** Requests are made by users and by sessions of roles; a role is simulated as a session of it. */
export function principalOf(arn: string): Answered<Principal> {
  const [, account, kind] = /^arn:aws:iam::(\d{12}):(user|role)\/[\u0021-\u007e]{1,600}$/.exec(arn) ?? [];
  if (account === undefined)
    return invalidInput(`Invalid Entity Arn: ${arn} does not name a user or a role.`);
  if (kind === "user") return ok({ arn, account });
  const name = arn.slice(arn.lastIndexOf("/") + 1);
  return ok({ arn: `arn:aws:sts::${account}:assumed-role/${name}/simulated`, account, roleArn: arn });
}

/** What a value of each type must look like. Dates and addresses are judged where they are compared. */
const TYPES: ReadonlyMap<string, RegExp> = new Map([
  ["string", /^[^]*$/],
  ["numeric", /^-?\d+(?:\.\d+)?$/],
  ["boolean", /^(?:true|false)$/i],
  ["date", /^[\dTZ:.+-]+$/],
  ["ip", /^[\da-fA-F:./]+$/],
  ["binary", /^[A-Za-z0-9+/=]*$/],
]);

function readContext(parameters: Parameters): Answered<Readonly<Record<string, ContextValue>>> {
  const context = new Map<string, readonly [string, ContextValue]>();
  for (const entry of parameters.structures("ContextEntries") ?? []) {
    const key = entry.text("ContextKeyName") ?? "";
    const name = entry.text("ContextKeyType") ?? "";
    const values = entry.list("ContextKeyValues") ?? [];
    const list = name.endsWith("List");
    const type = TYPES.get(list ? name.slice(0, -"List".length) : name);
    if (!/^[^\s:]{1,128}:[^]{1,256}$/.test(key)) return invalidInput(`Invalid context key name: ${key}`);
    if (type === undefined) return invalidInput(`Invalid context key type: ${name}`);
    if (!values.every((value) => type.test(value)) || (!list && values.length !== 1))
      return invalidInput(`Invalid context key values for ${key} of type ${name}`);
    if (context.has(key.toLowerCase())) return invalidInput(`Duplicate context key: ${key}`);
    context.set(key.toLowerCase(), [key, list ? values : (values[0] ?? "")]);
  }
  return ok(Object.fromEntries(context.values()));
}
