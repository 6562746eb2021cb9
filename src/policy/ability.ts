/** One thing a session could do, in plain words: what describe.ts makes and the pages show. A type and its order. */

/** The worst first. */
export const EFFECTS = ["destroys", "changes", "creates", "reads"] as const;
export type Effect = (typeof EFFECTS)[number];

export interface Ability {
  readonly effect: Effect;
  /** e.g. `execute the change set twokey-visibility-timeout on the stack orders-production`. */
  readonly text: string;
  /** Published actions, canonical spelling. */
  readonly actions: readonly string[];
  /** ARNs or ARN patterns, in full. */
  readonly resources: readonly string[];
}
