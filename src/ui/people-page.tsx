/** For administrators: who there is, their passkeys, invitations, and signing somebody out everywhere. */
import { renderDocument } from "./document.tsx";
import type { Frame, PeopleData } from "./page-data.ts";
import { PasskeyTable } from "./passkey-table.tsx";

export function peoplePage({ people }: PeopleData, frame: Frame): string {
  return renderDocument({
    title: "People",
    frame,
    children: (
      <>
        <h1>People</h1>
        <p class="hint">
          Who there is stands in the security team’s people.yaml. Everything here asks for your passkey first.
        </p>
        {people.map((person) => (
          <Person person={person} now={frame.now} />
        ))}
      </>
    ),
  });
}

function Person({ person, now }: { readonly person: PeopleData["people"][number]; readonly now: Date }) {
  const { id, name, groups, passkeys, invitable } = person;
  return (
    <section class="card" aria-labelledby={`person-${id}`}>
      <h2 id={`person-${id}`}>
        {name} <small>{id}</small>
      </h2>
      <p>{groups.length === 0 ? "In no group: can decide nothing." : `In ${groups.join(", ")}.`}</p>
      <PasskeyTable of={name} passkeys={passkeys} now={now} />
      <div class="deeds">
        {invitable ? (
          <form data-ceremony="invite" data-person={id}>
            <button
              class="quiet"
              id={`invite-${id}`}
              aria-label={`Make an invitation link for ${name}`}
              disabled
            >
              Make an invitation link
            </button>
            <output></output>
          </form>
        ) : (
          <p class="hint">Cannot be invited: people.yaml gives no account for it.</p>
        )}
        <form data-ceremony="sign-out-person" data-person={id}>
          <button class="quiet" id={`sign-out-${id}`} aria-label={`Sign out everywhere: ${name}`} disabled>
            Sign out everywhere
          </button>
        </form>
      </div>
    </section>
  );
}
