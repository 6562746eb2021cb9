/**
 * An approver of the demo's non-interactive run: accepts an invitation, enrols a software passkey and decides, over the
 * same HTTP routes a browser uses. A software passkey proves nobody's presence: nothing but the demo may use this.
 */
import { createHash, randomBytes } from "node:crypto";
import type { RunningBroker } from "../../wire.ts";
import { softwarePasskey, type CreateOptions, type GetOptions } from "./software-passkey.ts";

const HOUR = 3600;

/** A link with which `person` may enrol a passkey. Written as whoever runs the broker may: straight into its store. */
export async function invitationLink(
  { audit, policy, origin }: RunningBroker,
  person: string,
): Promise<string> {
  const token = randomBytes(20).toString("base64url");
  const tokenDigest = createHash("sha256").update(token).digest("hex");
  const context = { requestId: null, policyVersion: policy().set.digest, person: null };
  await audit.humans.invite({ tokenDigest, person, lifetimeSeconds: HOUR }, context);
  return `${origin}/invitation#${token}`;
}

export interface Approver {
  /** The broker's answer to the decision: its JSON, or the problem's code and detail. */
  readonly decide: (
    escalation: EscalationRef,
    verdict: "approve" | "deny",
    reason?: string,
  ) => Promise<Answer>;
}

export interface EscalationRef {
  readonly id: string;
  readonly digest: string;
}

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

interface Ceremony<Options> {
  readonly nonce: string;
  readonly publicKey: Options;
}

/** Where the broker is now, and where its pages stand. */
type Site = Pick<RunningBroker, "url" | "origin">;

/** `link`: from `invitationLink`. */
export async function enrolApprover(broker: Site, link: string, fetch = globalThis.fetch): Promise<Approver> {
  const browser = new Browser(broker, fetch);
  const passkey = softwarePasskey();
  await browser.done("/v1/invitations/accept", { token: new URL(link).hash.slice(1) });
  const enrolment = await browser.done<Ceremony<CreateOptions>>("/v1/passkeys/options", {});
  const registration = passkey.create(enrolment.publicKey, broker.origin);
  await browser.done("/v1/passkeys", { nonce: enrolment.nonce, registration, label: "demo" });
  return {
    decide: async ({ id, digest }, verdict, reason) => {
      const asked = await browser.post("/v1/decisions/options", { escalation: id, digest, verdict });
      if (asked.status !== 200) return asked;
      const { nonce, publicKey } = asked.body as unknown as Ceremony<GetOptions>;
      const assertion = passkey.get(publicKey, broker.origin);
      return browser.post("/v1/decisions", {
        escalation: id,
        verdict,
        nonce,
        assertion,
        ...(reason === undefined ? {} : { reason }),
      });
    },
  };
}

/** Keeps one cookie and says where its page stands, as a browser does. */
class Browser {
  readonly #broker: Site;
  readonly #fetch: typeof globalThis.fetch;
  #cookie = "";

  constructor(broker: Site, fetch: typeof globalThis.fetch) {
    this.#broker = broker;
    this.#fetch = fetch;
  }

  async post(path: string, body: unknown): Promise<Answer> {
    const response = await this.#fetch(`${this.#broker.url}${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: this.#broker.origin, cookie: this.#cookie },
      body: JSON.stringify(body),
    });
    const [set] = response.headers.getSetCookie();
    if (set !== undefined) this.#cookie = set.split(";")[0] ?? "";
    return { status: response.status, body: (await response.json()) as Answer["body"] };
  }

  async done<T>(path: string, body: unknown): Promise<T> {
    const answer = await this.post(path, body);
    if (answer.status >= 300) throw new Error(`${path}: ${JSON.stringify(answer.body)}`);
    return answer.body as T;
  }
}
