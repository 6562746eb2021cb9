/**
 * An AWS account as it must be, made from the roles that the project itself says must be there, and doctor in front of
 * it: real clients over the wire, one record for all runs of a file. `change` seeds what is wrong before it starts.
 */
import { onTestFinished } from "vitest";
import { createAssumeRole } from "../../src/adapters/aws/assume-role.ts";
import { createInspectAws } from "../../src/adapters/aws/inspect.ts";
import { createPolicyStore } from "../../src/adapters/aws/publish-policies.ts";
import { openAuditKey, verifyEd25519 } from "../../src/adapters/key-files/key-files.ts";
import { openAuditLog, type Store } from "../../src/adapters/postgres/audit-log.ts";
import { examine } from "../../src/flows/doctor.ts";
import type { Doctor } from "../../src/flows/doctor/ports.ts";
import { carryOut, planPublish } from "../../src/flows/publish-policies.ts";
import type { AccountOptions, RoleOptions } from "../../src/local-aws/options.ts";
import { createLocalAws, type LocalAws } from "../../src/local-aws/server.ts";
import { aiRoles, type AiRole } from "../../src/policy/ai-roles.ts";
import type { Finding } from "../../src/policy/doctor/finding.ts";
import type { PolicyDocument, Statement } from "../../src/policy/iam/types.ts";
import type { ServedPolicy } from "../../src/policy/serve.ts";
import type { Account } from "../../src/policy/set.ts";
import { ok } from "../../src/result.ts";
import { actions, type Keys } from "../local-aws/world.ts";
import { served as shipped } from "../policy-tools/shipped.ts";
import { ACCOUNT, BROKER, ID } from "./hand-written.ts";

/** The shipped set without its issuer on the internet, which no test may ask. */
export const served: ServedPolicy = {
  ...shipped,
  set: {
    ...shipped.set,
    registry: {
      ...shipped.set.registry,
      issuers: shipped.set.registry.issuers.filter(({ kind }) => kind === "enrolled"),
    },
  },
};

export const account: Account = (() => {
  const [first] = served.set.accounts;
  if (first?.id !== ID || first.externalId !== ACCOUNT.externalId) throw new Error("not the shipped account");
  return first;
})();

export const BROKER_KEYS: Keys = {
  accessKeyId: "AKIABROKER0000000001",
  secretAccessKey: "CANARYbrokersecret",
};
export const ADMIN_KEYS: Keys = { accessKeyId: "AKIAADMIN00000000001", secretAccessKey: "CANARYadminsecret" };

/** A broker's user in an account that accounts.yaml does not have, and the root user of the one it has. */
export const STRAY_KEYS: Keys = { accessKeyId: "AKIASTRAY00000000001", secretAccessKey: "CANARYstraysecret" };
export const ROOT_KEYS: Keys = { accessKeyId: "AKIAROOT000000000001", secretAccessKey: "CANARYrootsecret" };

export const roles: readonly AiRole[] = (() => {
  const made = aiRoles(served, account, BROKER);
  if (!made.ok) throw new Error(JSON.stringify(made.error));
  return made.value;
})();

export function roleNamed(name: AiRole["name"]): AiRole {
  const found = roles.find((role) => role.name === name);
  if (found === undefined) throw new Error(`no role ${name}`);
  return found;
}

export const document = (...statements: readonly Statement[]): PolicyDocument => ({
  Version: "2012-10-17",
  Statement: statements,
});

const assumed = roles.filter(({ name }) => name !== "stack_service");

/** What docs/doctor.md says the broker needs, and no more. */
export const BROKER_POLICY = document(
  {
    Sid: "Mint",
    Effect: "Allow",
    Action: ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
    Resource: assumed.map(({ arn }) => arn),
  },
  ...assumed.map(({ arn, boundary }): Statement => ({
    Effect: "Allow",
    Action: ["iam:PutRolePolicy", "iam:DeleteRolePolicy"],
    Resource: arn,
    Condition: { StringEquals: { "iam:PermissionsBoundary": boundary.arn } },
  })),
  {
    Sid: "Look",
    Effect: "Allow",
    Action: [
      ...["iam:GetRole", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies", "iam:GetRolePolicy"],
      ...["iam:GetPolicy", "iam:GetPolicyVersion", "iam:ListPolicies"],
      ...["iam:SimulatePrincipalPolicy", "iam:SimulateCustomPolicy"],
    ],
    Resource: "*",
  },
);

export const nameOf = (arn: string): string => arn.slice(arn.lastIndexOf("/") + 1);

const standing = ({ arn, trust, boundary, maxSessionSeconds, tags }: AiRole): RoleOptions => ({
  ...{ name: nameOf(arn), path: "/twokey/", trust, tags, maxSessionDuration: maxSessionSeconds },
  ...{ boundary: boundary.arn, attached: [boundary.arn] },
});

const EVERYTHING = document({ Effect: "Allow", Action: "*", Resource: "*" });

/** Denies what no AI session may do, as the organisation's policy does. */
const SCP = document(
  { Effect: "Allow", Action: "*", Resource: "*" },
  {
    Effect: "Deny",
    Action: "iam:CreateUser",
    Resource: "*",
    Condition: { StringEquals: { "aws:PrincipalTag/twokey:principal": "ai-agent" } },
  },
);

export const asItMustBe: AccountOptions = {
  id: ID,
  scps: [[SCP]],
  users: [
    { name: nameOf(BROKER), ...BROKER_KEYS, policies: [BROKER_POLICY] },
    { name: "admin", ...ADMIN_KEYS, policies: [EVERYTHING] },
    { name: "root", ...ROOT_KEYS },
  ],
  policies: roles.map(({ boundary: { name, path, document: says } }) => ({ name, path, document: says })),
  roles: [
    ...roles.map(standing),
    {
      name: nameOf(account.serviceRoles["production"] ?? ""),
      path: "/twokey/",
      trust: document({
        Effect: "Allow",
        Principal: { Service: "cloudformation.amazonaws.com" },
        Action: "sts:AssumeRole",
      }),
    },
  ],
};

const elsewhere: AccountOptions = {
  id: "444455556666",
  users: [{ name: nameOf(BROKER), ...STRAY_KEYS, policies: [EVERYTHING] }],
};

/** What it is, less one thing of it. */
export const without = <T extends object, K extends keyof T>(whole: T, gone: K): Omit<T, K> =>
  Object.fromEntries(Object.entries(whole).filter(([key]) => key !== gone)) as Omit<T, K>;

export type Change = (account: AccountOptions) => AccountOptions;

/** The role of that name, edited. */
export const withRole =
  (name: AiRole["name"], edit: (role: RoleOptions) => RoleOptions): Change =>
  (options) => ({
    ...options,
    roles: (options.roles ?? []).map((role) =>
      role.name === nameOf(roleNamed(name).arn) ? edit(role) : role,
    ),
  });

export interface DoctorWorld {
  readonly url: string;
  readonly aws: LocalAws;
  readonly doctor: Doctor;
  /** Runs it; `change` edits what it runs on. */
  readonly run: (change?: Partial<Doctor>) => Promise<readonly Finding[]>;
}

/** One for all the files that one worker runs: a store takes longer to open than a run. */
export const record: Store = await openAuditLog({ url: null, folder: null });

/** Starts the account as `change` makes it, with its policies published, and stops it when the test ends. */
export async function startWorld(change: Change = (same) => same, keys = BROKER_KEYS): Promise<DoctorWorld> {
  const aws = createLocalAws({ actions, accounts: [change(asItMustBe), elsewhere] });
  const { url } = await aws.listen();
  await publish(url);
  const sts = createAssumeRole({ region: null, endpoint: url, credentials: keys, deadlineMs: 10_000 });
  const inspect = createInspectAws({
    ...{ sts: { region: null, endpoint: url }, endpoint: url },
    credentials: keys,
  });
  const store = record;
  const doctor: Doctor = {
    ...{ policy: served, accounts: served.set.accounts, aws: inspect, simulate: false, version: "0.0.0" },
    policyStore: ({ region }) => createPolicyStore({ region, endpoint: url, credentials: keys }),
    reachIssuer: async () => ok(null),
    keys: signingKey,
    record: ok({
      audit: store,
      now: () => store.retention.daysAgo(0),
      signing: { tree: store.tree, verify: verifyEd25519 },
    }),
    ...{ assumeRole: sts.assumeRole, probeRole: sts.probeRole, stsEndpoint: url },
    ...{ requestId: "req-doctor", clock: () => new Date(), elapsed: () => performance.now() },
    randomBytes: (count) => crypto.getRandomValues(new Uint8Array(count)),
  };
  onTestFinished(async () => {
    sts.close();
    inspect.close();
    await aws.close();
  });
  return { url, aws, doctor, run: (edit = {}) => collect({ ...doctor, ...edit }) };
}

const signingKey = openAuditKey(null, true);

async function publish(url: string): Promise<void> {
  const store = createPolicyStore({ region: account.region, endpoint: url, credentials: ADMIN_KEYS });
  const publisher = { store, sessions: null, clock: () => new Date() };
  const plan = await planPublish(publisher, served, null);
  if (!plan.ok) throw new Error(plan.error.reason);
  await carryOut(publisher, plan.value);
  store.close();
}

export async function collect(doctor: Doctor): Promise<readonly Finding[]> {
  const found: Finding[] = [];
  for await (const finding of examine(doctor)) found.push(finding);
  return found;
}

export const inWords = ({ id, role, status, line }: Finding): string =>
  `${status} ${id} ${role ?? ""}: ${line}`;
