/** The syntax of what the pages' script sends, as strict zod schemas. Only syntax: everything in it is unverified. */
import { z } from "@hono/zod-openapi";
import { freezeReason, freezeTarget } from "./freeze-routes.ts";

const nonce = z.string().regex(/^[A-Za-z0-9_-]{43}$/, { error: "is not a nonce of ours" });
const encoded = (max: number) =>
  z
    .string()
    .max(max)
    .regex(/^[A-Za-z0-9_-]+$/, { error: "is not base64url" });
const person = z.string().min(1).max(100);

/** WebAuthn's JSON, which browsers may add to. */
const assertion = z.object({
  id: encoded(1400),
  rawId: encoded(1400),
  type: z.string().max(32),
  response: z.object({
    clientDataJSON: encoded(4096),
    authenticatorData: encoded(4096),
    signature: encoded(2048),
    userHandle: encoded(128).optional(),
  }),
  clientExtensionResults: z.record(z.string(), z.unknown()),
  authenticatorAttachment: z.string().max(32).optional(),
});

const confirmation = z.strictObject({ nonce, assertion });
const verdict = z.enum(["approve", "deny"]);
const escalation = z.string().regex(/^esc-[a-z2-7]{24}$/, { error: "is the id of an escalation" });

export const BODIES = {
  nothing: z.strictObject({}),
  signIn: z.strictObject({ nonce, assertion, next: z.string().max(2048).optional() }),
  accept: z.strictObject({ token: z.string().min(1).max(128) }),
  bootstrap: z.strictObject({ token: z.string().min(1).max(128), person }),
  confirm: z.strictObject({ action: z.string().max(2048) }),
  askEnrolment: z.strictObject({ confirmation: confirmation.optional() }),
  enrol: z.strictObject({
    nonce,
    registration: z.record(z.string(), z.unknown()),
    label: z.string().max(256),
  }),
  remove: z.strictObject({ credential_id: encoded(1400), confirmation }),
  person: z.strictObject({ person, confirmation }),
  freeze: z.strictObject({ target: freezeTarget, reason: freezeReason, confirmation }),
  thaw: z.strictObject({ target: freezeTarget, confirmation }),
  askDecision: z.strictObject({
    escalation,
    digest: z.string().regex(/^[0-9a-f]{64}$/, { error: "is not a digest" }),
    verdict,
  }),
  decide: z.strictObject({
    escalation,
    verdict,
    nonce,
    assertion,
    reason: z.string().optional(),
  }),
} as const;
