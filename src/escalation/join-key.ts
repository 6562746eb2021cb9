/**
 * Tells whether two requests ask for the same thing, so that an agent that asks again joins the escalation that waits
 * already instead of making people decide twice. Pure hashing.
 */
import { createHash } from "node:crypto";
import type { EscalationContent } from "./escalation.ts";

/**
 * SHA-256, hex, over what would be executed: the content without what differs from one asking to the next, which is the
 * escalation's id (also as a tag) and the agent's words and proof. `canonicalJson`: RFC 8785, as policy/digest.ts has it.
 */
export function joinKey(content: EscalationContent, canonicalJson: (value: unknown) => string): string {
  const canonical = canonicalJson(withoutWords(content));
  return createHash("sha256").update(`twokey-join-v1\n${canonical}`, "utf8").digest("hex");
}

/** Named one by one: a field that is added later makes another thing until somebody says that it does not. */
const WORDS = ["id", "reason", "task", "proof"];

function withoutWords(content: EscalationContent): object {
  const same = Object.fromEntries(Object.entries(content).filter(([field]) => !WORDS.includes(field)));
  if (content.kind === "policy") return same;
  return { ...same, tags: content.tags.filter(({ value }) => value !== content.id) };
}
