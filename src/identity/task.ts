/** What an agent says it is doing. Free text of hostile origin: shown inert, never matched or compiled. */

/** In order: `observe` < `change` < `destroy`. */
export const INTENTS = ["observe", "change", "destroy"] as const;
export type Intent = (typeof INTENTS)[number];

export interface Task {
  readonly id: string | null;
  readonly intent: Intent;
  readonly summary: string;
}
