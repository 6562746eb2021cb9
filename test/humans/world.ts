/**
 * A whole broker and its people: browsers that keep cookies and say where their page stands, each with a software
 * passkey. Everything goes over real HTTP into a real store.
 */
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import type { OutgoingHttpHeaders } from "node:http";
import { join } from "node:path";
import {
  softwarePasskey,
  type AssertionJson,
  type CreateOptions,
  type GetOptions,
  type Misbehaviour,
  type SoftwarePasskey,
} from "../../src/cli/demo/software-passkey.ts";
import type { Escalation, SessionContent } from "../../src/escalation/escalation.ts";
import type { Overrides } from "../../src/wire.ts";
import type { Config } from "../../src/config.ts";
import { escalationDigest } from "../../src/escalation/digest.ts";
import { canonicalJson } from "../../src/policy/digest.ts";
import { base32 } from "../../src/session/name.ts";
import { aDraft, sessionContent } from "../store/escalations.ts";
import { send, startTestBroker, type Reply, type TestBroker } from "../support/test-broker.ts";

export interface World extends TestBroker {
  readonly origin: string;
  /** As it was printed. */
  readonly bootstrapToken: string;
}

export async function startWorld(
  change: (config: Config) => Config = (config) => config,
  overrides: Overrides = {},
): Promise<World> {
  const printed: string[] = [];
  const test = await startTestBroker(change, {
    onBootstrap: (token) => void printed.push(token.reveal()),
    ...overrides,
  });
  return { ...test, origin: test.broker.origin, bootstrapToken: printed[0] ?? "" };
}

/** One browser: a cookie jar and a page of the site. */
export class Browser {
  readonly world: Pick<World, "url" | "origin">;
  readonly passkey: SoftwarePasskey;
  cookies = new Map<string, string>();

  constructor(world: Pick<World, "url" | "origin">, passkey = softwarePasskey()) {
    this.world = world;
    this.passkey = passkey;
  }

  get cookie(): string {
    return [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
  }

  async get(path: string, headers: OutgoingHttpHeaders = {}): Promise<Reply> {
    return this.#kept(await send(this.world.url, "GET", path, { cookie: this.cookie, ...headers }));
  }

  async post(path: string, body: unknown, headers: OutgoingHttpHeaders = {}): Promise<Reply> {
    const all = {
      origin: this.world.origin,
      cookie: this.cookie,
      "content-type": "application/json",
      ...headers,
    };
    return this.#kept(await send(this.world.url, "POST", path, all, JSON.stringify(body)));
  }

  /** The same, where it must succeed. */
  async done<T>(path: string, body: unknown): Promise<T> {
    const reply = await this.post(path, body);
    if (reply.status !== 200) throw new Error(`${path}: ${reply.status} ${reply.text}`);
    return reply.json as T;
  }

  assertion(options: GetOptions, wrong: Misbehaviour = {}): AssertionJson {
    return this.passkey.get(options, this.world.origin, wrong);
  }

  async signIn(): Promise<void> {
    const { nonce, publicKey } = await this.done<Asked<GetOptions>>("/v1/sign-in/passkey/options", {});
    await this.done("/v1/sign-in/passkey", { nonce, assertion: this.assertion(publicKey) });
  }

  async accept(link: string): Promise<void> {
    await this.done("/v1/invitations/accept", { token: new URL(link).hash.slice(1) });
  }

  async enrol(confirmation?: unknown, label = "work laptop"): Promise<Reply> {
    const asked = await this.post("/v1/passkeys/options", { confirmation });
    if (asked.status !== 200) return asked;
    const { nonce, publicKey } = asked.json as unknown as Asked<CreateOptions>;
    const registration = this.passkey.create(publicKey, this.world.origin);
    return this.post("/v1/passkeys", { nonce, registration, label });
  }

  async confirmation(action: string): Promise<{ readonly nonce: string; readonly assertion: AssertionJson }> {
    const { nonce, publicKey } = await this.done<Asked<GetOptions>>("/v1/confirmations", { action });
    return { nonce, assertion: this.assertion(publicKey) };
  }

  async decision(
    { id, digest }: Pick<Escalation, "id" | "digest">,
    verdict: "approve" | "deny",
    wrong: Misbehaviour = {},
  ) {
    const body = { escalation: id, digest, verdict };
    const { nonce, publicKey } = await this.done<Asked<GetOptions>>("/v1/decisions/options", body);
    const assertion = this.assertion(publicKey, wrong);
    return { escalation: id, verdict, nonce, assertion, ...(verdict === "deny" && { reason: "not now" }) };
  }

  #kept(reply: Reply): Reply {
    for (const line of reply.headers["set-cookie"] ?? []) {
      const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(line) ?? [];
      if (value === "") this.cookies.delete(name);
      else this.cookies.set(name, value);
    }
    return reply;
  }
}

export interface Asked<Options> {
  readonly nonce: string;
  readonly publicKey: Options;
}

/** `platform-engineer` of the shipped people.yaml, let in by the bootstrap token, with a passkey. */
export async function firstAdministrator(world: World): Promise<Browser> {
  const browser = new Browser(world);
  const body = { token: world.bootstrapToken, person: "platform-engineer" };
  await browser.accept((await browser.done<{ url: string }>("/v1/bootstrap", body)).url);
  const enrolled = await browser.enrol();
  if (enrolled.status !== 200) throw new Error(enrolled.text);
  return browser;
}

/** Invited, with a passkey, signed in. */
export async function invited(administrator: Browser, person: string): Promise<Browser> {
  const confirmation = await administrator.confirmation(`invite ${person}`);
  const { url } = await administrator.done<{ url: string }>("/v1/invitations", { person, confirmation });
  const browser = new Browser(administrator.world);
  await browser.accept(url);
  const enrolled = await browser.enrol();
  if (enrolled.status !== 200) throw new Error(enrolled.text);
  return browser;
}

const CONTENT = sessionContent();

/** A pending one, straight into the store: two of `platform` decide, and its owner is `orders-lead`. */
export async function anEscalation(world: World, changes: Partial<SessionContent> = {}): Promise<Escalation> {
  const id = `esc-${base32(randomBytes(15))}`;
  const rule = {
    quorum: 2,
    groups: ["platform"],
    evidence: "passkey",
    pendingSeconds: 3600,
    usableSeconds: 900,
  } as const;
  const [changeSet = ""] = CONTENT.parameters["changeSet"] ?? [];
  const allowed = { Effect: "Allow", Action: "cloudformation:ExecuteChangeSet", Resource: changeSet };
  const policy = JSON.stringify({ Version: "2012-10-17", Statement: [allowed] });
  const tags = [
    { key: "twokey:principal", value: "ai-agent" },
    { key: "twokey:escalation", value: id },
  ];
  const content = sessionContent({ id, owner: "orders-lead", rule, policy, tags, ...changes });
  const canonical = canonicalJson(content);
  const draft = { ...aDraft({ content }), canonical, digest: escalationDigest(canonical) };
  const answer = await world.broker.audit.escalations.request(draft);
  if (!answer.ok) throw new Error(answer.error.reason);
  return answer.value.escalation;
}

/** Changes a file of the folder the broker serves, which reads it again. */
export async function editPolicy(world: World, file: string, edit: (text: string) => string): Promise<void> {
  const path = join(world.folder, file);
  writeFileSync(path, edit(readFileSync(path, "utf8")));
  // The file system may have told it already.
  const reloaded = await world.broker.reloadPolicy();
  if (!["served", "unchanged"].includes(reloaded.outcome)) throw new Error(JSON.stringify(reloaded));
}
