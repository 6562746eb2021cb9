/** What must never be told by colour alone: effects, states and verdicts as a sign and a word. */
import type { EscalationState, Verdict } from "../escalation/escalation.ts";
import type { Ability } from "./page-data.ts";

const EFFECTS: Readonly<Record<Ability["effect"], { readonly sign: string; readonly word: string }>> = {
  destroys: { sign: "✕", word: "Destroys" },
  changes: { sign: "Δ", word: "Changes" },
  creates: { sign: "+", word: "Creates" },
  reads: { sign: "○", word: "Reads" },
};

/** Worst first. */
export const EFFECT_ORDER: readonly Ability["effect"][] = ["destroys", "changes", "creates", "reads"];

export function EffectMark({ effect }: { readonly effect: Ability["effect"] }) {
  const { sign, word } = EFFECTS[effect];
  return (
    <span class={`mark effect-${effect}`}>
      <span aria-hidden="true">{sign}</span> {word}
    </span>
  );
}

const STATES: Readonly<Record<EscalationState, { readonly sign: string; readonly word: string }>> = {
  pending: { sign: "●", word: "Waiting" },
  approved: { sign: "✓", word: "Approved, not used yet" },
  consumed: { sign: "✓", word: "Approved and used" },
  denied: { sign: "✕", word: "Denied" },
  expired: { sign: "–", word: "Expired" },
  cancelled: { sign: "–", word: "Cancelled" },
};

export function stateWord(state: EscalationState, kind: "session" | "policy"): string {
  if (kind === "policy" && state === "approved") return "Approved, not served yet";
  if (kind === "policy" && state === "consumed") return "Approved and served";
  return STATES[state].word;
}

export function StateMark(props: { readonly state: EscalationState; readonly kind: "session" | "policy" }) {
  return (
    <span class={`mark state-${props.state}`}>
      <span aria-hidden="true">{STATES[props.state].sign}</span> {stateWord(props.state, props.kind)}
    </span>
  );
}

/** `mine`: the reader's own. */
export function VerdictMark({ verdict, mine }: { readonly verdict: Verdict; readonly mine: boolean }) {
  const approved = verdict === "approve";
  const words = approved ? (mine ? "You approved" : "Approved") : mine ? "You denied" : "Denied";
  return (
    <span class={`mark ${approved ? "state-approved" : "state-denied"}`}>
      <span aria-hidden="true">{approved ? "✓" : "✕"}</span> {words}
    </span>
  );
}
