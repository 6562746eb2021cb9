/**
 * The flows on a real store, with the shipped policies: an agent asks, people with software passkeys decide. STS and
 * the revocation are fakes that keep what they were asked. The database's clock can be set, apart from the broker's.
 */
import { randomBytes } from "node:crypto";
import { loadActionTable } from "../../src/adapters/action-data/load.ts";
import { loadPolicyFolder } from "../../src/adapters/policy-files/load.ts";
import { auditLogOn, type Store } from "../../src/adapters/postgres/audit-log.ts";
import { migrate } from "../../src/adapters/postgres/schema.ts";
import { openPglite, openPostgres, type Database, type Queries } from "../../src/adapters/postgres/sql.ts";
import { createWebauthn } from "../../src/adapters/webauthn/webauthn.ts";
import { softwarePasskey, type SoftwarePasskey } from "../../src/cli/demo/software-passkey.ts";
import { decisionChallenge } from "../../src/escalation/digest.ts";
import type { Escalation, Verdict } from "../../src/escalation/escalation.ts";
import type { Failure } from "../../src/failure.ts";
import type { Broker, Call } from "../../src/flows/admit.ts";
import type { PersonCall, Viewer } from "../../src/flows/admit-person.ts";
import { decideEscalation } from "../../src/flows/decide-escalation.ts";
import { issueCredentials, type Issued } from "../../src/flows/issue-credentials.ts";
import { requestEscalation, type EscalationWish } from "../../src/flows/request-escalation.ts";
import type { ShownEscalation } from "../../src/flows/show-escalations.ts";
import { personOf, type HumanAccount } from "../../src/identity/approver.ts";
import type { UnverifiedAssertion } from "../../src/identity/webauthn.ts";
import type { GrantWish } from "../../src/policy/decide-escalation.ts";
import type { ServedPolicy } from "../../src/policy/serve.ts";
import { ok, type Result } from "../../src/result.ts";
import type { AssumeRoleRequest } from "../../src/session/assume-role.ts";
import type { DenyOnRole } from "../../src/session/denial.ts";
import { ASSUMED } from "../support/flow-fakes.ts";
import { policyFolder } from "../support/policy-folder.ts";

export const SITE = { origin: "https://twokey.example.com", rpId: "twokey.example.com" };
export const LOGIN = "https://login.example.com";
export const ACCOUNT = "111122223333";
export const STACK = `arn:aws:cloudformation:us-east-1:${ACCOUNT}:stack/orders-production/1`;
export const CHANGE_SET = `arn:aws:cloudformation:us-east-1:${ACCOUNT}:changeSet/twokey-fix/2`;

export const WISH: EscalationWish = {
  wish: {
    template: "production-stack-change",
    parameters: { stack: [STACK], change_set: [CHANGE_SET] },
    account: null,
    durationSeconds: null,
    task: { id: "ORDERS-7", intent: "destroy", summary: "repair the queue" },
  },
  reason: "the queue loses orders",
  idempotencyKey: null,
};

/** `orders-ci` and `billing-ci`, owned by `orders-lead`; `platform-engineer` and `security-engineer` may decide. */
export const policy: ServedPolicy = await shippedPolicy();

async function shippedPolicy(): Promise<ServedPolicy> {
  const open = ["observe", "production-stack-change"];
  const { folder } = await policyFolder({ "orders-ci": open, "billing-ci": open });
  const loaded = await loadPolicyFolder(folder, loadActionTable());
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  return loaded.value;
}

/** The served set with some of it changed. */
export const changed = (set: Partial<ServedPolicy["set"]>, base = policy): ServedPolicy => ({
  ...base,
  set: { ...base.set, digest: "f".repeat(64), ...set },
});

export interface Replica {
  readonly store: Store;
  readonly broker: Broker;
}

export interface World {
  readonly replicas: readonly [Replica, ...Replica[]];
  /** Every request STS got, by whichever replica. */
  readonly sts: AssumeRoleRequest[];
  /** Every policy that was put on a role. */
  readonly denied: Parameters<DenyOnRole>[0][];
  /** What STS answers from now on. */
  assumeRole: Broker["assumeRole"];
  /** The databases' clock from now on; null: its own. */
  setDatabaseClock: (now: Date | null) => void;
  readonly query: Queries["query"];
  readonly close: () => Promise<void>;
}

/** `url`: PostgreSQL, which `count` replicas share; null: PGlite for one. */
export async function startWorld(url: string | null = null, count = 1): Promise<World> {
  const clock: DatabaseClock = { now: null };
  const databases: Database[] = [];
  for (let index = 0; index < count; index += 1) {
    const db =
      url === null
        ? await openPglite(null)
        : await openPostgres(url, { maxConnections: 8, timeoutMs: 60_000 });
    if (index === 0) await migrate(db);
    databases.push(withClock(db, clock));
  }
  const sts: AssumeRoleRequest[] = [];
  const denied: World["denied"] = [];
  const [first] = databases;
  if (first === undefined) throw new Error("no replica");
  const world: Omit<World, "replicas"> = {
    sts,
    denied,
    assumeRole: async () => ok(ASSUMED),
    setDatabaseClock: (now) => {
      clock.now = now;
    },
    query: (text, parameters) => first.query(text, parameters),
    close: async () => {
      for (const { store } of replicas) await store.close();
    },
  };
  const replicas = databases.map((db): Replica => {
    const store = auditLogOn(db);
    return { store, broker: brokerOn(store, world) };
  }) as [Replica, ...Replica[]];
  return Object.assign(world, { replicas });
}

interface DatabaseClock {
  now: Date | null;
}

/** Where a statement asks for the time, it is told the test's. */
function withClock(db: Database, clock: DatabaseClock): Database {
  const told = (text: string): string =>
    clock.now === null
      ? text
      : text.replaceAll(/(?:clock|statement)_timestamp\(\)/g, `timestamptz '${clock.now.toISOString()}'`);
  const queries = (inner: Queries): Queries => ({
    ...inner,
    query: (text, parameters) => inner.query(told(text), parameters),
  });
  return {
    ...db,
    ...queries(db),
    write: (text, parameters) => db.write(told(text), parameters),
    transaction: (work, ...rest) => db.transaction((tx) => work(queries(tx)), ...rest),
  };
}

function brokerOn(store: Store, world: Pick<World, "sts" | "denied" | "assumeRole">): Broker {
  return {
    verifyToken: async (token) => ok(claimsOf(token)),
    policy,
    policyRefused: null,
    audit: store,
    escalations: store.escalations,
    humans: store.humans,
    assumeRole: (request) => {
      world.sts.push(request);
      return world.assumeRole(request);
    },
    freezes: store.freezes,
    denyOnRole: async (request) => {
      world.denied.push(request);
      return "in_force";
    },
    tree: store.tree,
    auditKey: new Uint8Array(32),
    isOperator: () => false,
    isWatch: () => false,
    readChangeSet: () => Promise.reject(new Error("no change set is read here")),
    webauthn: createWebauthn(),
    oidc: null,
    site: SITE,
    passkeyDelaySeconds: 0,
    polls: new Map(),
    clock: () => new Date(),
    randomBytes,
  };
}

/** Tokens of these tests say who they are: `<agent> <token id>`. */
function claimsOf(token: string) {
  const [subject = "", tokenId = ""] = token.split(" ");
  const keyId = policy.set.registry.agents.find(({ name }) => name === subject)?.keys[0]?.kid ?? null;
  const now = Math.floor(Date.now() / 1000);
  return { issuerId: "enrolled", subject, tokenId, issuedAt: now, expiresAt: now + 60, keyId, claims: {} };
}

let calls = 0;
/** A fresh token for each call, unless one is given. */
export function callOf(
  agent = "orders-ci",
  token = `${agent} t-${(calls += 1)}`,
  route = "POST /v1/escalations",
): Call {
  const stopping = new AbortController().signal;
  return { requestId: `req-${calls}`, route, unverifiedToken: token, stopping, onAgent: () => undefined };
}

export const request = (
  broker: Broker,
  wish: Partial<EscalationWish> = {},
  call = callOf(),
): Promise<Result<ShownEscalation, Failure>> =>
  requestEscalation(
    broker,
    call,
    async () => ok({ ...WISH, ...wish }),
    async () => ok([]),
  );

export function value<T>(result: Result<T, unknown>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}

export const mint = (
  broker: Broker,
  escalation: string,
  wish: Partial<GrantWish> = {},
  { agent = "orders-ci", idempotencyKey = null as string | null } = {},
): Promise<Result<Issued, Failure>> => {
  const grant = {
    escalation,
    template: null,
    parameters: null,
    account: null,
    durationSeconds: null,
    ...wish,
  };
  const call = callOf(agent, undefined, "POST /v1/credentials");
  return issueCredentials(broker, call, async () => ok({ grant, idempotencyKey }));
};

export interface Approver {
  readonly viewer: Viewer;
  readonly passkey: SoftwarePasskey;
}

/** Somebody of people.yaml at a browser, with a passkey enrolled for the account. */
export async function enrol(
  { broker }: Pick<Replica, "broker">,
  id: string,
  account: HumanAccount = { issuer: LOGIN, subject: id },
  delaySeconds = 0,
): Promise<Approver> {
  const passkey = softwarePasskey();
  const nonce = randomBytes(32).toString("base64url");
  const person = personOf(account, broker.policy.set.people);
  if (person?.id !== id) throw new Error(`people.yaml has no such account of ${id}`);
  await broker.humans.challenge({ nonce, purpose: "enrol", person: id, subject: null }, 300);
  const options = { challenge: nonce, rp: { id: SITE.rpId }, user: { id: "dXNlcg" } };
  const registered = await broker.webauthn.verifyRegistration(
    { ...passkey.create(options, SITE.origin) },
    { challenge: nonce, site: SITE },
  );
  const facts = { ...value(registered), account, person: id, label: "software" };
  const context = { requestId: null, policyVersion: broker.policy.set.digest, person: id };
  value(await broker.humans.enrol(facts, { delaySeconds, nonce, spendInvitation: null }, context));
  return { viewer: viewerOf(broker, id, account), passkey };
}

export function viewerOf(broker: Broker, id: string, account: HumanAccount): Viewer {
  const person = broker.policy.set.people.find((candidate) => candidate.id === id);
  if (person === undefined) throw new Error(`people.yaml has no ${id}`);
  const now = new Date();
  const signIn = { account, method: "oidc", groups: null, signedInAt: now, expiresAt: now } as const;
  return { person, account, signIn, administrator: false, sessionDigest: "0".repeat(64) };
}

export interface Forgery {
  /** What is claimed in the call, instead of what was signed. */
  readonly escalation?: string;
  readonly verdict?: Verdict;
  readonly reason?: string | null;
  readonly assertion?: (honest: UnverifiedAssertion) => UnverifiedAssertion;
}

export interface Ballot {
  readonly escalation: string;
  readonly digest: string;
  readonly verdict: Verdict;
  readonly nonce: string;
  readonly assertion: UnverifiedAssertion;
}

/** The challenge is made and signed; the decision is still to be sent. */
export async function sign(
  { broker }: Pick<Replica, "broker">,
  { viewer, passkey }: Approver,
  verdict: Verdict,
  { id, digest }: Pick<Escalation, "id" | "digest">,
): Promise<Ballot> {
  const nonce = randomBytes(32).toString("base64url");
  const person = viewer.person.id;
  await broker.humans.challenge({ nonce, purpose: "decide", person, subject: `${id} ${verdict}` }, 300);
  const challenge = decisionChallenge({ nonce, digest, verdict, person });
  const assertion = passkey.get({ challenge, rpId: SITE.rpId }, SITE.origin);
  return { escalation: id, digest, verdict, nonce, assertion };
}

export function send(
  { broker }: Pick<Replica, "broker">,
  { viewer }: Approver,
  ballot: Ballot,
  forgery: Forgery = {},
): Promise<Result<Escalation, Failure>> {
  const { assertion, ...said } = forgery;
  const answer = assertion === undefined ? ballot.assertion : assertion(ballot.assertion);
  const reason = ballot.verdict === "deny" ? "not today" : null;
  const call: PersonCall = {
    requestId: `req-${(calls += 1)}`,
    route: "POST /v1/decisions",
    unverifiedSession: null,
    stopping: new AbortController().signal,
  };
  const { escalation, verdict, nonce } = ballot;
  const unverified = { escalation, verdict, nonce, reason, ...said, assertion: answer };
  return decideEscalation(broker, viewer, call, unverified);
}

/** Signs and sends. */
export const decide = async (
  replica: Pick<Replica, "broker">,
  approver: Approver,
  verdict: Verdict,
  escalation: Pick<Escalation, "id" | "digest">,
  forgery: Forgery = {},
): Promise<Result<Escalation, Failure>> =>
  send(replica, approver, await sign(replica, approver, verdict, escalation), forgery);
