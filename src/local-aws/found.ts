/**
 * Founds a world from its options: accounts, users, roles, policies, stacks. What stands in the options is trusted
 * configuration, so a fault in it is thrown at start-up.
 */
import type { PolicyDocument } from "../policy/iam/types.ts";
import type { ActionTable } from "../policy/knowledge.ts";
import type { Call } from "./call.ts";
import { rootCaller } from "./caller.ts";
import { become, newStack } from "./cloudformation/life.ts";
import { intend } from "./cloudformation/request.ts";
import { CredentialStore } from "./credentials.ts";
import type { Answered } from "./fault.ts";
import type {
  AccountOptions,
  LocalAwsOptions,
  RoleOptions,
  RoleSessionOptions,
  StackOptions,
} from "./options.ts";
import { noParameters } from "./parameters.ts";
import { type PolicyText, readPolicy, TRUST } from "./policy-text.ts";
import { type Random, uniqueId } from "./random.ts";
import type { Account, Role, World } from "./state.ts";
import { tagsOf } from "./tags.ts";

const DEFAULT_REGION = "us-east-1";

interface Founding {
  readonly now: Date;
  readonly random: Random;
  readonly region: string;
}

export function found(options: LocalAwsOptions, now: Date, random: Random): World {
  const credentials = new CredentialStore();
  const founding = { now, random, region: options.region ?? DEFAULT_REGION };
  const accounts = options.accounts.map(
    (account) => [account.id, foundAccount(account, founding, credentials)] as const,
  );
  const world: World = {
    accounts: new Map(accounts),
    credentials,
    events: [],
    mints: [],
    describesUntilComplete: options.describesUntilComplete ?? 0,
  };
  for (const account of options.accounts)
    for (const stack of account.stacks ?? [])
      addStack(foundersCall({ world, founding, actions: options.actions }, account.id), stack);
  return world;
}

function foundAccount(options: AccountOptions, founding: Founding, credentials: CredentialStore): Account {
  const account: Account = {
    id: options.id,
    scps: options.scps?.map((level) => level.map((document) => policy(document).parsed)) ?? null,
    users: new Map(),
    roles: new Map(),
    policies: new Map(),
    stacks: new Map(),
    changeSets: new Map(),
  };
  addUsers(account, options, founding, credentials);
  addPolicies(account, options, founding);
  for (const role of options.roles ?? []) addRole(account, role, founding);
  for (const session of options.sessions ?? []) addSession(account, session, founding, credentials);
  return account;
}

/** Configuration that does not hold is a bug of whoever wrote it. */
function must<T>(answered: Answered<T>, what: string): T {
  if (answered.ok) return answered.value;
  throw new Error(`local AWS: ${what}: ${answered.error.message}`);
}

const policy = (document: PolicyDocument): PolicyText => must(readPolicy(JSON.stringify(document)), "policy");

function addUsers(
  account: Account,
  options: AccountOptions,
  { random }: Founding,
  credentials: CredentialStore,
): void {
  for (const user of options.users ?? []) {
    const root = user.name === "root";
    if (!root)
      account.users.set(user.name, {
        arn: `arn:aws:iam::${account.id}:user/${user.name}`,
        id: uniqueId(random, "AIDA"),
        policies: (user.policies ?? []).map((document) => policy(document).parsed),
      });
    credentials.add({
      accessKeyId: user.accessKeyId,
      secretAccessKey: user.secretAccessKey,
      sessionToken: null,
      holder: root
        ? { kind: "root", account: account.id }
        : { kind: "user", account: account.id, name: user.name },
    });
  }
}

function addPolicies(account: Account, options: AccountOptions, { now, random }: Founding): void {
  for (const managed of options.policies ?? []) {
    const path = managed.path ?? "/";
    const arn = `arn:aws:iam::${account.id}:policy${path}${managed.name}`;
    const first = { id: "v1", document: policy(managed.document), createdAt: now };
    account.policies.set(arn, {
      account: account.id,
      arn,
      name: managed.name,
      path,
      id: uniqueId(random, "ANPA"),
      description: null,
      createdAt: now,
      versions: [first],
      inForce: first,
      lastVersion: 1,
      updatedAt: now,
      tags: [],
    });
  }
}

function addRole(account: Account, options: RoleOptions, { now, random }: Founding): void {
  const path = options.path ?? "/";
  const role: Role = {
    account: account.id,
    name: options.name,
    path,
    arn: `arn:aws:iam::${account.id}:role${path}${options.name}`,
    id: uniqueId(random, "AROA"),
    createdAt: now,
    description: null,
    maxSessionDuration: options.maxSessionDuration ?? 3600,
    trust: must(readPolicy(JSON.stringify(options.trust), TRUST), `trust policy of ${options.name}`),
    tags: tagsOf(options.tags),
    boundary: options.boundary ?? null,
    inline: new Map(Object.entries(options.inline ?? {}).map(([name, document]) => [name, policy(document)])),
    attached: new Set(options.attached),
  };
  const unknown = [...role.attached, ...(role.boundary === null ? [] : [role.boundary])].find(
    (arn) => !account.policies.has(arn),
  );
  if (unknown !== undefined) throw new Error(`local AWS: role ${role.name}: no policy ${unknown}`);
  account.roles.set(role.name.toLowerCase(), role);
}

function addSession(
  account: Account,
  options: RoleSessionOptions,
  { now }: Founding,
  credentials: CredentialStore,
): void {
  const role = account.roles.get(options.roleName.toLowerCase());
  if (role === undefined) throw new Error(`local AWS: session of an unknown role ${options.roleName}`);
  credentials.add({
    accessKeyId: options.accessKeyId,
    secretAccessKey: options.secretAccessKey,
    sessionToken: options.sessionToken,
    holder: {
      kind: "role",
      account: account.id,
      session: {
        account: account.id,
        roleArn: role.arn,
        roleId: role.id,
        roleName: role.name,
        name: options.sessionName,
        sourceIdentity: null,
        tags: [],
        transitiveKeys: [],
        policy: null,
        policyArns: [],
        issuedAt: now,
        expiresAt: options.expiresAt,
      },
    },
  });
}

/**
 * The call that makes the stacks of the options: what is configured is asked of nobody, so it comes from the
 * account's root outside any organisation, leaves no event, and everything is complete at once.
 */
function foundersCall(
  at: { readonly world: World; readonly founding: Founding; readonly actions: ActionTable },
  accountId: string,
): Call {
  const { now, random, region } = at.founding;
  const account = at.world.accounts.get(accountId);
  if (account === undefined) throw new Error(`local AWS: no account ${accountId}`);
  return {
    world: { ...at.world, events: [], describesUntilComplete: 0 },
    actions: at.actions,
    caller: must(rootCaller({ ...account, scps: null }, ""), "root"),
    region,
    parameters: noParameters(),
    now,
    random,
    requestId: "",
    sourceIp: "127.0.0.1",
    userAgent: null,
    service: null,
  };
}

function addStack(call: Call, options: StackOptions): void {
  const intention = must(
    intend(
      {
        templateBody: options.template,
        templateUrl: null,
        usePreviousTemplate: false,
        parameters: Object.entries(options.parameters ?? {}).map(([key, value]) => ({ key, value })),
        tags: tagsOf(options.tags),
        roleArn: options.roleArn ?? null,
        capabilities: ["CAPABILITY_NAMED_IAM"],
      },
      undefined,
    ),
    `stack ${options.name}`,
  );
  const stack = newStack(call, options.name);
  stack.terminationProtection = options.terminationProtection ?? false;
  // Its role need not have what this took: that stands in the options, and nobody asked for it.
  if (!become(call, stack, { ...intention, roleArn: null })) {
    const reasons = stack.events.flatMap((event) => event.reason ?? []);
    throw new Error(`local AWS: stack ${options.name}: ${reasons.join(" ")}`);
  }
  stack.current = intention;
}
