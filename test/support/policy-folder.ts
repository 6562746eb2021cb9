/**
 * A throw-away copy of the shipped policy set with enrolled agents, and the tokens that prove them.
 */
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from "jose";

export const AUDIENCE = "https://twokey.example.com";

export interface EnrolledAgent {
  readonly name: string;
  /** A fresh 60-second token. `claims` stand in it beside, or instead of, its own. */
  readonly token: (claims?: Readonly<Record<string, unknown>>) => Promise<string>;
}

export interface TestPolicies {
  readonly folder: string;
  readonly agents: Readonly<Record<string, EnrolledAgent>>;
}

/**
 * `templates` by agent name. The agents' owner is `orders-lead`. No rule freezes them unless `freezeWhen` (YAML, on one
 * line) says so: tests ask for more than honest work does.
 */
export async function policyFolder(
  templates: Readonly<Record<string, readonly string[]>>,
  freezeWhen: string | null = null,
): Promise<TestPolicies> {
  const folder = mkdtempSync(join(tmpdir(), "twokey-policies-"));
  cpSync(join(import.meta.dirname, "../../policies"), folder, { recursive: true });
  const guardrails = join(folder, "guardrails.yaml");
  const [text = ""] = readFileSync(guardrails, "utf8").split("freeze_when:");
  writeFileSync(guardrails, freezeWhen === null ? text : `${text}freeze_when: ${freezeWhen}\n`);
  const agents: Record<string, EnrolledAgent> = {};
  let yaml = `issuers:
  - id: enrolled
    kind: enrolled
    issuer: twokey:enrolled
    audience: ${AUDIENCE}
    max_age: 60s
agents:
`;
  for (const [name, open] of Object.entries(templates)) {
    const { privateKey, publicKey } = await generateKeyPair("EdDSA", { extractable: true });
    const jwk = await exportJWK(publicKey);
    const kid = await calculateJwkThumbprint(jwk);
    yaml += `  - name: ${name}
    owner: orders-lead
    issuer: enrolled
    keys:
      - kid: ${kid}
        x: ${jwk.x ?? ""}
    templates: [${open.join(", ")}]
`;
    agents[name] = { name, token: (claims) => sign(name, kid, privateKey, claims) };
  }
  writeFileSync(join(folder, "agents.yaml"), yaml);
  return { folder, agents };
}

function sign(
  name: string,
  kid: string,
  key: CryptoKey | JWK,
  claims: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const own = { iat: now, exp: now + 60, jti: crypto.randomUUID() };
  return new SignJWT({ ...own, ...claims })
    .setProtectedHeader({ alg: "EdDSA", kid })
    .setIssuer("twokey:enrolled")
    .setSubject(name)
    .setAudience(AUDIENCE)
    .sign(key);
}
