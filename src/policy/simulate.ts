/**
 * One line of `twokey policy simulate`: a request and its policies as JSON in, the decision as JSON out. Never
 * throws, whatever the line holds: what cannot be answered gets an `error`. Pure but for the cache it is handed.
 */
import { evaluate, type PolicyLayers } from "./iam/evaluate.ts";
import { parsePolicy, type ParsedPolicy, type ParseOptions } from "./iam/parse.ts";
import type { ContextValue, EvaluationRequest } from "./iam/types.ts";
import { err, ok, type Result } from "../result.ts";

export interface SimulatedLine {
  /** JSON, without a line break. */
  readonly text: string;
  readonly failed: boolean;
}

/** What the run has parsed already: batches ask the same policies again and again. Bounded; holds no decision. */
export interface SimulationCache {
  /** One policy, by how it is read and its JSON text. */
  readonly policies: Map<string, Result<ParsedPolicy, string>>;
  /** A line's whole `policies` by its JSON text; where the request asks a role, its resource is a trust policy. */
  readonly layers: Map<string, Result<PolicyLayers, string>>;
  readonly trustLayers: Map<string, Result<PolicyLayers, string>>;
}

export const simulationCache = (): SimulationCache => ({
  policies: new Map(),
  layers: new Map(),
  trustLayers: new Map(),
});

/** Entries of each map, and the longest text that is remembered: AWS's own limits are far below it. */
const REMEMBERED = 500;
const LONGEST_REMEMBERED = 65_536;

function remember<T>(map: Map<string, T>, key: string, value: T): T {
  if (key.length > LONGEST_REMEMBERED) return value;
  const oldest = map.keys().next();
  if (map.size >= REMEMBERED && oldest.done !== true) map.delete(oldest.value);
  map.set(key, value);
  return value;
}

export function simulateLine(line: string, cache: SimulationCache): SimulatedLine {
  let id: string | number | null = null;
  try {
    const { json, policies } = takeApart(line, cache);
    if (!isObject(json)) return failure(id, "a line must be a JSON object");
    if (typeof json["id"] !== "string" && typeof json["id"] !== "number") {
      return failure(id, "id must be a string or a number");
    }
    ({ id } = json as { id: string | number });
    const unknown = unknownKey(json, ["id", "request", "policies"]);
    if (unknown !== null) return failure(id, unknown);
    const request = readRequest(json["request"]);
    if (!request.ok) return failure(id, request.error);
    const trust = ON_TRUST_POLICY.test(request.value.action);
    const remembered = trust ? cache.trustLayers : cache.layers;
    const known = policies === null ? undefined : remembered.get(policies);
    const layers =
      known ?? readLayers(policies === null ? json["policies"] : JSON.parse(policies), trust, cache);
    if (known === undefined && policies !== null) remember(remembered, policies, layers);
    if (!layers.ok) return failure(id, layers.error);
    const { decision, matched, reason } = evaluate(request.value, layers.value);
    return { text: JSON.stringify({ id, decision, matched, reason }), failed: false };
  } catch (error) {
    // The JSON parser's, and the evaluator's on a caller that makes no requests, such as a role itself.
    return error instanceof SyntaxError
      ? failure(null, "the line is not JSON")
      : failure(id, messageOf(error));
  }
}

const POLICIES = '"policies":';

/**
 * The line's JSON; where `policies` stands last, as in the format, without it and with its text beside, since most
 * of a line is policies that were parsed already. Sound: with `null` in that place the rest is JSON and holds that
 * null as `policies`, so the text there, once it is known to be JSON too, is the value. Otherwise the line as a
 * whole decides.
 */
function takeApart(
  line: string,
  { layers, trustLayers }: SimulationCache,
): { readonly json: unknown; readonly policies: string | null } {
  const at = line.indexOf(POLICIES);
  const end = line.lastIndexOf("}");
  if (at !== -1 && end > at && line.slice(end + 1).trim() === "") {
    try {
      const json: unknown = JSON.parse(`${line.slice(0, at)}${POLICIES}null}`);
      const policies = line.slice(at + POLICIES.length, end);
      if (!layers.has(policies) && !trustLayers.has(policies)) JSON.parse(policies);
      if (isObject(json) && json["policies"] === null) return { json, policies };
    } catch {
      // Keys in another order, or no JSON at all.
    }
  }
  return { json: JSON.parse(line), policies: null };
}

/** The answer to a line that could not even be taken apart. */
export function failure(id: string | number | null, error: string): SimulatedLine {
  return { text: JSON.stringify({ id, error }), failed: true };
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : "cannot be evaluated";

type JsonObject = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** A misspelt key would be a policy left out in silence. */
function unknownKey(object: JsonObject, known: readonly string[], at = ""): string | null {
  for (const key in object) {
    if (!known.includes(key))
      return `${at}${JSON.stringify(key.slice(0, 100))} is not one of ${known.join(", ")}`;
  }
  return null;
}

const REQUEST_KEYS = ["principal", "action", "resource", "resourceAccount", "context"];
const PRINCIPAL_KEYS = ["arn", "account", "roleArn"];

function readRequest(json: unknown): Result<EvaluationRequest, string> {
  if (!isObject(json)) return err("request must be an object");
  const unknown = unknownKey(json, REQUEST_KEYS, "request: ");
  if (unknown !== null) return err(unknown);
  const { principal, action, resource, resourceAccount, context = {} } = json;
  if (!isObject(principal)) return err("request.principal must be an object");
  const stranger = unknownKey(principal, PRINCIPAL_KEYS, "request.principal: ");
  if (stranger !== null) return err(stranger);
  const { arn, account, roleArn } = principal;
  if (typeof arn !== "string" || arn === "") return err("request.principal.arn must be a string");
  if (typeof account !== "string") return err("request.principal.account must be a string");
  if (roleArn !== undefined && typeof roleArn !== "string")
    return err("request.principal.roleArn must be a string");
  if (typeof action !== "string") return err("request.action must be a string");
  if (typeof resource !== "string") return err("request.resource must be a string");
  if (typeof resourceAccount !== "string") return err("request.resourceAccount must be a string");
  if (!isObject(context)) return err("request.context must be an object");
  for (const key in context) {
    if (!isContextValue(context[key])) {
      return err(
        `request.context ${JSON.stringify(key.slice(0, 100))} must be a string, boolean, number or list of strings`,
      );
    }
  }
  return ok({
    principal: roleArn === undefined ? { arn, account } : { arn, account, roleArn },
    action,
    resource,
    resourceAccount,
    context: context as Readonly<Record<string, ContextValue>>,
  });
}

function isContextValue(value: unknown): boolean {
  if (Array.isArray(value)) return value.every((one) => typeof one === "string");
  return typeof value === "string" || typeof value === "number" || typeof value === "boolean";
}

const LAYER_KEYS = ["identity", "session", "boundary", "scp", "resource"];
/** Asked of a role: its trust policy is the resource policy, and names no Resource. */
const ON_TRUST_POLICY = /^sts:(?:assumerole.*|tagsession|setsourceidentity)$/i;
const RESOURCE: ParseOptions = { resourcePolicy: true };
const TRUST: ParseOptions = { resourcePolicy: true, allowMissingResource: true };

function readLayers(json: unknown, trust: boolean, cache: SimulationCache): Result<PolicyLayers, string> {
  if (!isObject(json)) return err("policies must be an object");
  const unknown = unknownKey(json, LAYER_KEYS, "policies: ");
  if (unknown !== null) return err(unknown);
  const faults: string[] = [];
  const one = (value: unknown, at: string, options: ParseOptions = {}): ParsedPolicy | null => {
    const parsed = cachedPolicy(value, options, cache);
    if (parsed.ok) return parsed.value;
    faults.push(`${at}: ${parsed.error}`);
    return null;
  };
  const many = (value: unknown, at: string): readonly ParsedPolicy[] => {
    if (Array.isArray(value)) return value.flatMap((policy, index) => one(policy, `${at}[${index}]`) ?? []);
    faults.push(`${at} must be a list of policies`);
    return [];
  };
  const absent = (value: unknown): boolean => value === null || value === undefined;
  const { identity, session, boundary, scp, resource } = json;
  if (!absent(scp) && !Array.isArray(scp)) return err("policies.scp must be a list of levels");
  const levels = Array.isArray(scp) ? (scp as readonly unknown[]) : null;
  const layers: PolicyLayers = {
    identity: many(identity, "policies.identity"),
    session: absent(session) ? null : many(session, "policies.session"),
    boundary: absent(boundary) ? null : many(boundary, "policies.boundary"),
    scp: levels === null ? null : levels.map((level, index) => many(level, `policies.scp[${index}]`)),
    resource: absent(resource) ? null : one(resource, "policies.resource", trust ? TRUST : RESOURCE),
  };
  return faults.length > 0 ? err(faults.slice(0, 5).join("; ")) : ok(layers);
}

function cachedPolicy(
  json: unknown,
  options: ParseOptions,
  { policies }: SimulationCache,
): Result<ParsedPolicy, string> {
  const kind = options === TRUST ? "t" : options === RESOURCE ? "r" : "i";
  const key = kind + JSON.stringify(json);
  const known = policies.get(key);
  if (known !== undefined) return known;
  const parsed = parsePolicy(json, options);
  return remember(policies, key, parsed.ok ? parsed : err(parsed.error.slice(0, 5).join("; ")));
}
