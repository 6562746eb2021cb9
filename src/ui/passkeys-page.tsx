/** A person's own passkeys: add one, remove one. */
import { renderDocument } from "./document.tsx";
import { Foreign } from "./foreign.tsx";
import type { Frame, PasskeysData } from "./page-data.ts";
import { PasskeyTable } from "./passkey-table.tsx";

export function passkeysPage({ passkeys, mayEnrol }: PasskeysData, frame: Frame): string {
  return renderDocument({
    title: "Passkeys",
    frame,
    children: (
      <>
        <h1>Your passkeys</h1>
        <PasskeyTable of={frame.person?.name ?? "you"} passkeys={passkeys} now={frame.now} />
        <section class="narrow" aria-labelledby="add">
          <h2 id="add">Add a passkey</h2>
          {mayEnrol.ok ? (
            <Enrol confirmation={mayEnrol.confirmation} />
          ) : (
            <p class="why-not">
              <span aria-hidden="true">⊘ </span>
              <Foreign text={mayEnrol.why} />
            </p>
          )}
        </section>
      </>
    ),
  });
}

function Enrol({ confirmation }: { readonly confirmation: boolean }) {
  return (
    <form data-ceremony="enrol" data-confirmation={confirmation ? "yes" : "no"}>
      <label for="label">What to call it</label>
      <input id="label" name="label" required maxlength={60} autocomplete="off" placeholder="work laptop" />
      <button disabled>Add a passkey</button>
      <p class="hint">
        {confirmation
          ? "First your existing passkey confirms it is you, then the new one is made. "
          : "Your device makes it now. "}
        Everyone who can approve is told.
      </p>
    </form>
  );
}
