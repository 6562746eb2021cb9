/**
 * Why there are no credentials, in the words the agent and its operator read. What the broker sent is shown
 * inert: no control characters, bounded.
 */
export interface Refusal {
  /** `refused`: asking again changes nothing by itself. `unavailable`: it may work later. */
  readonly kind: "refused" | "unavailable";
  /** The broker's stable code, or one of this client's. */
  readonly code: string;
  readonly detail: string;
  /** What to do next, where that is known. */
  readonly next: string | null;
}

export const refused = (code: string, detail: string, next: string | null = null): Refusal => ({
  kind: "refused",
  code,
  detail,
  next,
});
export const unavailable = (code: string, detail: string, next: string | null = null): Refusal => ({
  kind: "unavailable",
  code,
  detail,
  next,
});

/** One paragraph for a person, one line, no secret. */
export function paragraph(refusal: Refusal): string {
  const next = refusal.next === null ? "" : ` Next: ${refusal.next}`;
  return `twokey: ${refusal.detail} (${refusal.code})${next}`;
}

/**
 * The same for a terminal, on several lines: a command about an escalation stands alone on its line, so that it can
 * be copied.
 */
export function lines(refusal: Refusal): string {
  const [, before = "", command] = COMMAND.exec(refusal.next ?? "") ?? [];
  if (command === undefined) return paragraph(refusal);
  const lead = before.trim() === "" ? "Next:" : before.trim();
  return `${paragraph({ ...refusal, next: null })}\n${lead}\n  ${command}`;
}

const COMMAND = /^(.*?)`?(twokey escalation [a-z]+[^`]*)`?\.?$/;

const MAX_TEXT = 2000;

/** Text from outside made safe for a terminal and a log line. */
export function inert(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, " ")
    .slice(0, MAX_TEXT)
    .trim();
}
