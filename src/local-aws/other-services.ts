/**
 * Calls to everything that is not in local AWS: which action they are and on what, as far as that can be told, so
 * that the policies can refuse them as AWS would. Nothing in here is ever carried out.
 */
import { ok } from "../result.ts";
import type { Ask, Call, Plan } from "./call.ts";
import { type Answered, notInLocalAws } from "./fault.ts";
import { s3Action } from "./other-s3.ts";
import type { WireRequest } from "./sigv4.ts";

/** Where the signing name is not the prefix of the actions. */
const PREFIXES: ReadonlyMap<string, string> = new Map([
  ["cloudcontrolapi", "cloudformation"],
  ["email", "ses"],
  ["monitoring", "cloudwatch"],
  ["tagging", "tag"],
]);

export const prefixOf = (service: string): string => PREFIXES.get(service) ?? service;

/** The operation a request names, in whatever place its protocol puts it. Unverified text; null where none. */
export function operationOf(request: WireRequest, formAction: string | undefined): string | null {
  const target = request.headers.get("x-amz-target");
  const named =
    target !== undefined
      ? target.slice(target.lastIndexOf(".") + 1)
      : (formAction ?? /^\/service\/\w{1,128}\/operation\/(\w{1,128})$/.exec(request.path)?.[1]);
  return named !== undefined && /^\w{1,128}$/.test(named) ? named : null;
}

export interface Elsewhere {
  readonly operation: string;
  readonly plan: Plan;
}

/** `operation` is what operationOf found. */
export function elsewhere(
  call: Call,
  request: WireRequest,
  service: string,
  operation: string | null,
): Elsewhere {
  const told = tell(call, request, service, operation);
  const known = told === null ? undefined : call.actions.action(told.action);
  const name = known?.name.split(":")[1] ?? operation ?? `${request.method} ${service}`;
  const missing = notInLocalAws(`${service} ${operation ?? name}`);
  return {
    operation: name,
    // An action that is not in the published data is unknown, and unknown things are never asked as if known.
    plan: {
      asks: told === null || known === undefined ? [] : [{ ...told, action: known.name }],
      run: () => missing,
    },
  };
}

function tell(call: Call, request: WireRequest, service: string, operation: string | null): Ask | null {
  if (service === "s3") return s3Action(request);
  if (service === "lambda") return lambdaAction(call, request);
  if (operation === null) return null;
  const action = `${prefixOf(service)}:${operation}`;
  return { action, resource: resourceOf(call, service, jsonBody(request)) ?? "*" };
}

function jsonBody(request: WireRequest): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(request.body.toString("utf8"));
    return typeof parsed === "object" && parsed !== null ? { ...parsed } : {};
  } catch {
    return {};
  }
}

/** The parameter that names a service's main resource, and its ARN after `arn:aws:<service>:<region>:<account>:`. */
const MAIN_RESOURCES: ReadonlyMap<string, readonly [parameter: string, arn: (name: string) => string]> =
  new Map([
    ["dynamodb", ["TableName", (name: string) => `table/${name}`]],
    ["logs", ["logGroupName", (name: string) => `log-group:${name}`]],
    ["secretsmanager", ["SecretId", (name: string) => `secret:${name}-??????`]],
    ["sqs", ["QueueUrl", (url: string) => url.slice(url.lastIndexOf("/") + 1)]],
  ]);

function resourceOf(call: Call, service: string, body: Readonly<Record<string, unknown>>): string | null {
  const [parameter, arn] = MAIN_RESOURCES.get(service) ?? [];
  const name = parameter === undefined ? undefined : body[parameter];
  if (arn === undefined || typeof name !== "string") return null;
  return name.startsWith("arn:")
    ? name
    : `arn:aws:${service}:${call.region}:${call.caller.account.id}:${arn(name)}`;
}

const LAMBDA: readonly (readonly [method: string, path: RegExp, action: string])[] = [
  ["GET", /^\/2015-03-31\/functions\/?$/, "ListFunctions"],
  ["POST", /^\/2015-03-31\/functions\/?$/, "CreateFunction"],
  ["GET", /^\/2015-03-31\/functions\/([^/]+)$/, "GetFunction"],
  ["DELETE", /^\/2015-03-31\/functions\/([^/]+)$/, "DeleteFunction"],
  ["GET", /^\/2015-03-31\/functions\/([^/]+)\/configuration$/, "GetFunctionConfiguration"],
  ["PUT", /^\/2015-03-31\/functions\/([^/]+)\/configuration$/, "UpdateFunctionConfiguration"],
  ["PUT", /^\/2015-03-31\/functions\/([^/]+)\/code$/, "UpdateFunctionCode"],
  ["POST", /^\/2015-03-31\/functions\/([^/]+)\/invocations$/, "InvokeFunction"],
  ["POST", /^\/2015-03-31\/functions\/([^/]+)\/policy$/, "AddPermission"],
];

function lambdaAction(call: Call, request: WireRequest): Ask | null {
  for (const [method, path, action] of LAMBDA) {
    const found = method === request.method ? path.exec(request.path) : null;
    if (found === null) continue;
    const name = decode(found[1] ?? "");
    if (name === null) return null;
    const arn = name.startsWith("arn:")
      ? name
      : `arn:aws:lambda:${call.region}:${call.caller.account.id}:function:${name}`;
    return { action: `lambda:${action}`, resource: name === "" ? "*" : arn };
  }
  return null;
}

export function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** Operations that carry no signature by design. */
const UNSIGNED = new Set(["AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"]);

export const unsignedOperation = (formAction: string | undefined): Answered<null> =>
  formAction !== undefined && UNSIGNED.has(formAction) ? notInLocalAws(`sts ${formAction}`) : ok(null);
