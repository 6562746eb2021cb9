/**
 * The kill switch as a noun: what can be frozen, and whether something is. Pure. A freeze is the record's: whoever mints
 * asks it in the transaction that writes the session.
 */

export const FREEZE_KINDS = ["session", "agent", "template", "all"] as const;

export type FreezeTarget =
  | { readonly kind: "session" | "agent" | "template"; readonly name: string }
  | { readonly kind: "all"; readonly name: null };

/** What a new session would be. Single sessions are frozen one by one, in their own row. */
export interface Freezable {
  readonly agent: string;
  readonly template: string;
}

/** The freeze that stops it, the widest first; null: none. */
export function frozenBy(
  frozen: readonly FreezeTarget[],
  { agent, template }: Freezable,
): FreezeTarget | null {
  const names: Readonly<Record<FreezeTarget["kind"], string | null | undefined>> = {
    all: null,
    template,
    agent,
    session: undefined,
  };
  return (
    (["all", "template", "agent"] as const)
      .map((kind) => frozen.find((target) => target.kind === kind && target.name === names[kind]))
      .find((target) => target !== undefined) ?? null
  );
}

export const sameTarget = (a: FreezeTarget, b: FreezeTarget): boolean =>
  a.kind === b.kind && a.name === b.name;

/** As people type and read it: `agent orders-ci`, `all`. */
export const targetWords = ({ kind, name }: FreezeTarget): string =>
  name === null ? kind : `${kind} ${name}`;
