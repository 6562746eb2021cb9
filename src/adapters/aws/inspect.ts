/**
 * The port InspectAws by STS and IAM: who the caller is, roles, their policies, managed policies. Translates and never
 * decides; has no call that changes anything. One attempt of each call, so that a refusal is told as it came.
 */
import {
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  IAMClient,
  paginateListAttachedRolePolicies,
  paginateListRolePolicies,
  type Role,
} from "@aws-sdk/client-iam";
import { GetCallerIdentityCommand, STSClient, type STSClientConfig } from "@aws-sdk/client-sts";
import type { CallerSeen, InspectAws, RolePolicies, RoleSeen, Unread } from "../../policy/doctor/aws.ts";
import { err, ok, type Result } from "../../result.ts";
import { simulatePolicy } from "./simulate-policy.ts";
import { scrub } from "./sts-fault.ts";

export interface InspectOptions {
  /** As for AssumeRole: see StsOptions. */
  readonly sts: { readonly region: string | null; readonly endpoint: string | null };
  /** A URL in place of IAM's endpoint; null: AWS's own. */
  readonly endpoint: string | null;
  /** The broker's own AWS credentials; null: the SDK's default chain. */
  readonly credentials: NonNullable<STSClientConfig["credentials"]> | null;
}

const TIMEOUTS = { connectionTimeout: 3_000, requestTimeout: 15_000 } as const;

export function createInspectAws(options: InspectOptions): InspectAws & { readonly close: () => void } {
  const own = options.credentials === null ? {} : { credentials: options.credentials };
  const base = { maxAttempts: 1, requestHandler: TIMEOUTS, ...own };
  const iams = new Map<string, IAMClient>();
  const iam = (region: string): IAMClient => {
    const known = iams.get(region);
    if (known !== undefined) return known;
    const made = new IAMClient({ region, ...base, ...at(options.endpoint) });
    iams.set(region, made);
    return made;
  };
  return {
    caller: async (region) => {
      const sts = new STSClient({
        region: options.sts.region ?? region,
        ...base,
        ...at(options.sts.endpoint),
      });
      try {
        return await seeCaller(sts);
      } finally {
        sts.destroy();
      }
    },
    role: (region, name) => reading("iam:GetRole", () => readRole(iam(region), name)),
    policiesOf: (region, name) => readPolicies(iam(region), name),
    managedPolicy: (region, arn) => readManaged(iam(region), arn),
    simulate: (region, simulation) => {
      const action =
        "principal" in simulation.of ? "iam:SimulatePrincipalPolicy" : "iam:SimulateCustomPolicy";
      return reading(action, () => simulatePolicy(iam(region), simulation));
    },
    close: () => {
      for (const client of iams.values()) client.destroy();
    },
  };
}

const at = (endpoint: string | null) => (endpoint === null ? {} : { endpoint });

/** What AWS answered, or its own words for why not. */
async function reading<T>(action: string, read: () => Promise<T>): Promise<Result<T, Unread>> {
  try {
    return ok(await read());
  } catch (error) {
    return err(unread(action, error));
  }
}

/** A service's own parsed error has a fault; of anything else the message may quote the request. */
function unread(action: string, error: unknown): Unread {
  if (!(error instanceof Error)) return { action, code: "unknown", message: "" };
  const ours =
    "$fault" in error || error.name === "CredentialsProviderError" || error.name === "TimeoutError";
  const code = "code" in error && typeof error.code === "string" ? error.code : error.name;
  return { action, code: scrub(code), message: ours ? scrub(error.message) : "" };
}

/** The head of every answer, a refusal's too, says where it came from and when. */
async function seeCaller(sts: STSClient): Promise<CallerSeen> {
  const command = new GetCallerIdentityCommand({});
  const told = { host: null as string | null, time: null as Date | null };
  command.middlewareStack.add(
    (next) => async (args) => {
      const { hostname, port } = args.request as { readonly hostname: string; readonly port?: number };
      told.host = port === undefined ? hostname : `${hostname}:${port}`;
      const answer = await next(args);
      const { headers } = answer.response as { readonly headers: Readonly<Record<string, string>> };
      const time = new Date(headers["date"] ?? "");
      if (!Number.isNaN(time.getTime())) told.time = time;
      return answer;
    },
    { step: "deserialize", priority: "low" },
  );
  const caller = await reading("sts:GetCallerIdentity", async () => {
    const { Arn, Account } = await sts.send(command);
    return { arn: demand(Arn, "no ARN"), account: demand(Account, "no account") };
  });
  return { caller, ...told };
}

async function readRole(iam: IAMClient, RoleName: string): Promise<RoleSeen | null> {
  const role = await orNone(async () => (await iam.send(new GetRoleCommand({ RoleName }))).Role);
  return role === null ? null : roleSeen(demand(role, "no role"));
}

const roleSeen = (role: Role): RoleSeen => ({
  arn: demand(role.Arn, "a role without an ARN"),
  trust: parsed(role.AssumeRolePolicyDocument),
  boundaryArn: role.PermissionsBoundary?.PermissionsBoundaryArn ?? null,
  maxSessionSeconds: demand(role.MaxSessionDuration, "a role without a duration"),
  tags: Object.fromEntries((role.Tags ?? []).map(({ Key = "", Value = "" }) => [Key, Value])),
});

async function readPolicies(iam: IAMClient, RoleName: string): Promise<Result<RolePolicies, Unread>> {
  const attached = await reading("iam:ListAttachedRolePolicies", async () => {
    const found: string[] = [];
    for await (const page of paginateListAttachedRolePolicies({ client: iam }, { RoleName }))
      found.push(
        ...(page.AttachedPolicies ?? []).map(({ PolicyArn }) => demand(PolicyArn, "a policy without an ARN")),
      );
    return found;
  });
  if (!attached.ok) return attached;
  const names = await reading("iam:ListRolePolicies", async () => {
    const found: string[] = [];
    for await (const page of paginateListRolePolicies({ client: iam }, { RoleName }))
      found.push(...(page.PolicyNames ?? []));
    return found;
  });
  if (!names.ok) return names;
  const inline: [string, unknown][] = [];
  for (const PolicyName of names.value) {
    const read = await reading("iam:GetRolePolicy", () =>
      iam.send(new GetRolePolicyCommand({ RoleName, PolicyName })),
    );
    if (!read.ok) return read;
    inline.push([PolicyName, parsed(read.value.PolicyDocument)]);
  }
  return ok({ attached: attached.value, inline: Object.fromEntries(inline) });
}

async function readManaged(
  iam: IAMClient,
  PolicyArn: string,
): Promise<Result<{ readonly document: unknown } | null, Unread>> {
  const policy = await reading("iam:GetPolicy", () =>
    orNone(async () => (await iam.send(new GetPolicyCommand({ PolicyArn }))).Policy),
  );
  if (!policy.ok) return policy;
  if (policy.value === null) return ok(null);
  const { DefaultVersionId: VersionId } = policy.value;
  return reading("iam:GetPolicyVersion", async () => {
    const { PolicyVersion } = await iam.send(new GetPolicyVersionCommand({ PolicyArn, VersionId }));
    return { document: parsed(PolicyVersion?.Document) };
  });
}

/** Null where AWS says that there is no such thing; undefined, which AWS never says, stays an error. */
async function orNone<T>(read: () => Promise<T | undefined>): Promise<T | null> {
  try {
    return demand(await read(), "an answer without its content");
  } catch (error) {
    if (error instanceof Error && error.name.replace(/Exception$/, "") === "NoSuchEntity") return null;
    throw error;
  }
}

/** IAM percent-encodes documents. Null: it is no JSON, and so no policy. */
function parsed(text: string | undefined): unknown {
  try {
    return JSON.parse(decodeURIComponent(text ?? ""));
  } catch {
    return null;
  }
}

function demand<T>(value: T | undefined, message: string): T {
  if (value === undefined) throw new Error(message);
  return value;
}
