/** agents.yaml: which workload tokens are trusted, and which agents they may prove to be. */
import { createHash } from "node:crypto";
import * as z from "zod";
import { ASYMMETRIC_ALGORITHMS } from "../../identity/issuer.ts";
import { validatePattern } from "../../identity/match.ts";
import type { AgentRegistration, Issuer } from "../../identity/registry.ts";
import type { PolicyFault } from "../set.ts";
import { didYouMean } from "../suggest.ts";
import { asWritten } from "./as-written.ts";
import { everyField, mapOf, readItem, readList, say, valueAt, type Item } from "./report.ts";
import { address, agentName, duration, id, line, templateName } from "./values.ts";
import type { Source } from "./yaml.ts";

/** Asymmetric only. With HS256 whoever knows the issuer's public key could sign; `none` needs no key at all. */
const algorithm = asWritten(
  z.string().refine((name) => ASYMMETRIC_ALGORITHMS.has(name), {
    error: (issue) =>
      say(
        /^(?:none|hs\d+)$/i.test(String(issue.input))
          ? `\`${String(issue.input)}\` would let anybody sign`
          : "is not an algorithm for signatures",
        `use one of: ${[...ASYMMETRIC_ALGORITHMS].join(", ")}`,
      ),
  }),
  () => ({ enum: [...ASYMMETRIC_ALGORITHMS] }),
);

const audience = z
  .string({
    error: say(
      "an issuer without `audience` would accept tokens made for anybody",
      "audience: <this broker's URL>",
    ),
  })
  .regex(/^[!-~]{1,512}$/, {
    error: say(
      "`audience` must be the exact value tokens carry for this broker",
      "such as https://twokey.example.com",
    ),
  });

export const oidcSchema = mapOf({
  id,
  kind: z.enum(["oidc", "enrolled"]),
  issuer: address,
  jwks_uri: address.optional(),
  audience,
  algorithms: z.array(algorithm).min(1),
  max_age: duration(1, 24 * 3600),
});

export const enrolledSchema = mapOf({
  id,
  kind: z.literal("enrolled"),
  issuer: z
    .string()
    .regex(/^[!-~]{1,512}$/, { error: say("must be the exact `iss` value", "such as twokey:enrolled") }),
  audience,
  max_age: duration(1, 3600),
});

export type IssuerItem = Item<z.output<typeof oidcSchema>> | Item<z.output<typeof enrolledSchema>>;

export const readIssuers = (source: Source, faults: PolicyFault[]): readonly IssuerItem[] =>
  readList(source, "issuers", { least: 1 }, faults).map((path) =>
    valueAt(source.raw, [...path, "kind"]) === "enrolled"
      ? readItem(source, path, enrolledSchema, faults)
      : readItem(source, path, oidcSchema, faults),
  );

const pattern = z.string().superRefine((value, context) => {
  const problem = value.length > 512 ? "is longer than 512 characters" : validatePattern(value);
  if (problem !== null) context.addIssue({ code: "custom", message: say(problem) });
});

export const agentSchema = mapOf({
  name: agentName,
  owner: id,
  issuer: id,
  subject: pattern.optional(),
  claims: z.record(line(100), pattern).optional(),
  keys: z
    .array(
      mapOf({
        kid: z.string(),
        x: z.string().regex(/^[A-Za-z0-9_-]{43}$/, {
          error: say("is not an Ed25519 public key", "copy the lines `twokey agent-key create` prints"),
        }),
      }),
    )
    .min(1)
    .max(20)
    .optional(),
  templates: z.array(templateName).min(1).max(100),
});

export type AgentItem = Item<z.output<typeof agentSchema>>;

export const readAgents = (source: Source, faults: PolicyFault[]): readonly AgentItem[] =>
  readList(source, "agents", { least: 1 }, faults).map((path) => readItem(source, path, agentSchema, faults));

/** What agents.yaml may name in the other files. Null where that file could not be read. */
export interface Known {
  readonly people: readonly string[] | null;
  readonly templates: readonly string[];
  /** Those of the role `stack_service`. */
  readonly ofStacks: readonly string[];
}

export function checkAgents(
  agents: readonly AgentItem[],
  issuers: readonly IssuerItem[],
  known: Known,
): void {
  const issuerIds = everyField<{ id: string }, "id">(issuers, "id");
  for (const agent of agents) {
    const { parts, fault } = agent;
    if (parts.owner !== undefined && known.people?.includes(parts.owner) === false) {
      const fix = didYouMean(parts.owner, known.people) ?? "add the owner to people.yaml";
      fault(["owner"], `owner \`${parts.owner}\` is not in people.yaml`, fix);
    }
    if (parts.issuer !== undefined && issuerIds?.includes(parts.issuer) === false) {
      fault(["issuer"], `there is no issuer \`${parts.issuer}\``, didYouMean(parts.issuer, issuerIds));
    }
    for (const [index, name] of (parts.templates ?? []).entries()) {
      if (known.templates.includes(name)) continue;
      const fix = didYouMean(name, known.templates) ?? `write templates/${name}.yaml`;
      fault(["templates", index], `there is no template \`${name}\``, fix);
    }
    for (const [index, name] of (parts.templates ?? []).entries()) {
      if (!known.ofStacks.includes(name)) continue;
      fault(
        ["templates", index],
        `\`${name}\` is what CloudFormation may do, and is vended to nobody`,
        "remove it",
      );
    }
    checkProof(agent, issuers.find(({ parts: issuer }) => issuer.id === parts.issuer)?.parts.kind);
  }
  checkRepeats(agents);
}

/** An OIDC agent is known by its subject, an enrolled one by its keys; a mixture would be neither. */
function checkProof({ parts, fault, absent }: AgentItem, kind: "oidc" | "enrolled" | undefined): void {
  if (kind === "oidc") {
    if (absent("subject")) fault([], "`subject` is missing", "write the subject its tokens carry");
    if (parts.keys !== undefined) fault(["keys"], "only enrolled agents have keys", "remove `keys`", "key");
  }
  if (kind !== "enrolled") return;
  if (parts.subject !== undefined && parts.subject !== parts.name) {
    fault(["subject"], "the subject of an enrolled agent is its name", "remove `subject`", "key");
  }
  if (parts.claims !== undefined)
    fault(["claims"], "an enrolled agent's token has no claims to match", null, "key");
  if (absent("keys")) fault([], "an enrolled agent needs `keys`", "`twokey agent-key create` prints them");
  for (const [index, key] of (parts.keys ?? []).entries()) {
    if (key.kid !== thumbprint(key.x)) {
      fault(
        ["keys", index, "kid"],
        "this is not the thumbprint of the key below it",
        "copy both lines again",
      );
    }
  }
}

/** RFC 7638, over the members an Ed25519 key must have. */
function thumbprint(x: string): string {
  return createHash("sha256")
    .update(JSON.stringify({ crv: "Ed25519", kty: "OKP", x }))
    .digest("base64url");
}

/** Two agents that one token could prove would both be refused, or worse. */
function checkRepeats(agents: readonly AgentItem[]): void {
  const proofs = new Map<string, string>();
  const keys = new Map<string, string>();
  for (const { parts, fault } of agents) {
    const name = parts.name ?? "another agent";
    if (parts.subject !== undefined && parts.issuer !== undefined && "claims" in parts) {
      const claims = Object.entries(parts.claims ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
      const proof = JSON.stringify([parts.issuer, parts.subject, claims]);
      const before = proofs.get(proof);
      if (before !== undefined) fault(["subject"], `the same tokens already prove \`${before}\``);
      proofs.set(proof, before ?? name);
    }
    for (const [index, key] of (parts.keys ?? []).entries()) {
      const before = keys.get(key.x);
      if (before !== undefined)
        fault(["keys", index], `this key is already \`${before}\`'s`, "make a key of its own");
      keys.set(key.x, before ?? name);
    }
  }
}

export function toIssuer(read: NonNullable<IssuerItem["whole"]>): Issuer {
  const { id: name, issuer, audience: aud, max_age: maxAgeSeconds } = read;
  if (!("algorithms" in read)) return { kind: "enrolled", id: name, issuer, audience: aud, maxAgeSeconds };
  const { jwks_uri: jwksUri = null, algorithms } = read;
  return { kind: "oidc", id: name, issuer, jwksUri, audience: aud, algorithms, maxAgeSeconds };
}

export const toAgent = (read: NonNullable<AgentItem["whole"]>): AgentRegistration => ({
  name: read.name,
  owner: read.owner,
  issuer: read.issuer,
  subject: read.subject ?? read.name,
  claims: read.claims ?? {},
  keys: read.keys ?? [],
  templates: read.templates,
});
