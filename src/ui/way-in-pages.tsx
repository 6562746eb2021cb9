/** The ways in: sign-in, an invitation, and the bootstrap token of the first administrator. */
import { renderDocument } from "./document.tsx";
import { Foreign } from "./foreign.tsx";
import type { BootstrapData, Frame, SignInData } from "./page-data.ts";

export function signInPage({ oidc, problem, next }: SignInData, frame: Frame): string {
  return renderDocument({
    title: "Sign in",
    frame,
    children: (
      <section class="narrow card">
        <h1>Sign in</h1>
        <Problem text={problem} />
        <form data-ceremony="sign-in" data-next={next}>
          <button id="passkey" disabled>
            Sign in with a passkey
          </button>
        </form>
        {oidc !== null && (
          <p>
            <a role="button" class="quiet" href={`/sign-in/oidc?${new URLSearchParams({ next }).toString()}`}>
              {oidc}
            </a>
          </p>
        )}
        <p class="hint">No passkey yet? An administrator makes you an invitation link.</p>
        <NeedsScript />
      </section>
    ),
  });
}

/** Its token stands after the `#`, which no server and no log ever sees. */
export function invitationPage(frame: Frame): string {
  return renderDocument({
    title: "Invitation",
    frame,
    children: (
      <section class="narrow card">
        <h1>You are invited</h1>
        <p>
          This link lets you add one passkey, which is how you will sign in and sign your decisions. It works
          once: open it on the device you will use.
        </p>
        <form data-ceremony="accept-invitation">
          <button id="accept" disabled>
            Accept the invitation
          </button>
        </form>
        <NeedsScript />
      </section>
    ),
  });
}

export function bootstrapPage({ people, problem }: BootstrapData, frame: Frame): string {
  return renderDocument({
    title: "First administrator",
    frame,
    children: (
      <section class="narrow card">
        <h1>The first administrator</h1>
        <Problem text={problem} />
        {people.length === 0 ? (
          <p class="empty">
            No administrator of people.yaml has an account for invitations, so nobody can be let in here.
          </p>
        ) : (
          <form data-ceremony="bootstrap">
            <label for="person">Who you are</label>
            <select id="person" name="person" required>
              {people.map(({ id, name }) => (
                <option value={id}>
                  {name} ({id})
                </option>
              ))}
            </select>
            <label for="token">Bootstrap token, as the broker printed it once</label>
            <input id="token" name="token" type="password" required autocomplete="off" />
            <button disabled>Make my invitation link</button>
            <output></output>
          </form>
        )}
        <NeedsScript />
      </section>
    ),
  });
}

function Problem({ text }: { readonly text: string | null }) {
  if (text === null) return null;
  return (
    <p class="warning">
      <Foreign text={text} />
    </p>
  );
}

function NeedsScript() {
  return (
    <noscript>
      <p class="warning">This needs the page’s script, for your passkey.</p>
    </noscript>
  );
}
