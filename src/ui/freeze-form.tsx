/**
 * The forms that freeze and thaw. Each is one ceremony: the script asks for a passkey before anything is sent, and says
 * what is signed. A freeze is folded away behind its own words, so that nothing is stopped by a stray tap.
 */
import type { FreezeTarget } from "../identity/freeze.ts";

const LONGEST_REASON = 2_000;

interface FreezeFormProps {
  readonly kind: FreezeTarget["kind"];
  /** Null: chosen in the form, or everything. */
  readonly name: string | null;
  /** To choose from, where the name is not given. */
  readonly names?: readonly string[];
  /** The button's words. */
  readonly label: string;
  /** What it means, in a sentence. */
  readonly meaning: string;
}

export function FreezeForm({ kind, name, names, label, meaning }: FreezeFormProps) {
  const id = `freeze-${kind}${name === null ? "" : `-${name}`}`;
  return (
    <details id={id} class="freeze">
      <summary aria-label={name === null ? undefined : `${label}: ${name}`}>{label}…</summary>
      <form data-ceremony="freeze" data-kind={kind} data-name={name ?? undefined}>
        <p class="hint">{meaning}</p>
        {names !== undefined && (
          <label>
            Which {kind}
            <select id={`name-of-${id}`} name="name" required>
              <option value="">Choose one</option>
              {names.map((choice) => (
                <option value={choice}>{choice}</option>
              ))}
            </select>
          </label>
        )}
        <label>
          Why, for the record and for everybody who is told
          <input id={`reason-of-${id}`} name="reason" maxlength={LONGEST_REASON} autocomplete="off" />
        </label>
        <button class="deny" disabled>
          {label}
        </button>
      </form>
    </details>
  );
}

export function ThawForm({
  target: { kind, name },
  second,
}: {
  readonly target: FreezeTarget;
  /** Whether another administrator's key lies there. */
  readonly second: boolean;
}) {
  const words = kind === "all" ? (second ? "Turn the second key" : "Turn the first key") : "Thaw";
  return (
    <form data-ceremony="thaw" data-kind={kind} data-name={name ?? undefined}>
      <button
        class="quiet"
        id={`thaw-${kind}${name === null ? "" : `-${name}`}`}
        aria-label={`${words}: ${name === null ? "everything" : `${kind} ${name}`}`}
        disabled
      >
        {words}
      </button>
    </form>
  );
}
