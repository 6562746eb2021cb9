/**
 * What is frozen and what is in force in AWS because of it, and how to freeze what has no session to point at. The
 * record stops at once, AWS when it has taken the policy: the two are told apart and neither is called instant.
 */
import { Foreign } from "./foreign.tsx";
import { FreezeForm, ThawForm } from "./freeze-form.tsx";
import { When } from "./moments.tsx";
import type { FreezeRow, SessionsData } from "./page-data.ts";
import { DataTable } from "./table.tsx";

type Role = SessionsData["roles"][number];

export function Frozen({ freezes }: Pick<SessionsData, "freezes">) {
  if (freezes.length === 0) return null;
  return (
    <section aria-labelledby="frozen">
      <h2 id="frozen">Frozen</h2>
      <p class="hint">
        Nothing of it is minted or delivered. Thawing takes an administrator’s passkey; everything takes two
        administrators’, within one hour. A session that AWS denies with its agent, its template or everything
        stays denied after the thaw: agents get new ones.
      </p>
      <DataTable
        caption={`${freezes.length} frozen, newest first`}
        columns={["What", "Why", "By", "Since", "Thaw"]}
        rows={freezes.map(frozenRow)}
      />
    </section>
  );
}

function frozenRow({ target, reason, by, person, frozenAt, firstKey, mayThaw }: FreezeRow) {
  const { kind, name } = target;
  return {
    danger: kind === "all",
    cells: [
      name === null ? (
        <strong>Everything</strong>
      ) : (
        <>
          {kind} <code class={kind === "session" ? "id" : undefined}>{name}</code>
        </>
      ),
      reason === "" ? "no reason given" : <Foreign text={reason} />,
      MAKERS[by](person),
      <When at={frozenAt} />,
      <>
        {kind === "all" && (
          <small class="under">
            {firstKey === null
              ? "No key lies there yet: it takes two administrators."
              : `The key of ${firstKey} lies there: another administrator has an hour from then.`}
          </small>
        )}
        {mayThaw.ok ? (
          <ThawForm target={target} second={firstKey !== null} />
        ) : (
          <small class="under">{mayThaw.why}</small>
        )}
      </>,
    ],
  };
}

const MAKERS: Readonly<Record<FreezeRow["by"], (person: string | null) => string>> = {
  person: (person) => person ?? "somebody",
  operator: () => "an operator, by the operators’ token",
  rule: () => "a rule of guardrails.yaml",
};

export function InAws({ roles }: Pick<SessionsData, "roles">) {
  if (roles.length === 0) return null;
  return (
    <section aria-labelledby="in-aws">
      <h2 id="in-aws">In AWS</h2>
      <p class="hint">
        Sessions that were delivered before a freeze end by a policy on their role. AWS puts it into effect
        within seconds to minutes after it took it.
      </p>
      <DataTable
        caption={`${roles.length} ${roles.length === 1 ? "role" : "roles"}`}
        columns={["Role", "State", "What it denies", "Taken by AWS", "AWS’s word"]}
        rows={roles.map(roleRow)}
      />
    </section>
  );
}

const STATES: Readonly<
  Record<Role["state"], { readonly sign: string; readonly word: string; readonly look: string }>
> = {
  waiting: { sign: "●", word: "Waiting: AWS is being told", look: "state-pending" },
  in_force: { sign: "✓", word: "In force", look: "state-approved" },
  failed: { sign: "✕", word: "Not taken: it is tried again", look: "state-denied" },
};

const FORMS: Readonly<Record<NonNullable<Role["form"]>, string>> = {
  nobody: "nobody any more",
  sessions: "the frozen sessions by name",
  everyone: "every session that is older than the freeze, frozen or not",
};

function roleRow({ roleArn, state, form, since, message }: Role) {
  const { sign, word, look } = STATES[state];
  return {
    danger: state === "failed",
    cells: [
      <code>{roleArn}</code>,
      <span class={`mark ${look}`}>
        <span aria-hidden="true">{sign}</span> {word}
      </span>,
      // Of what is not taken yet this is what AWS had before.
      state === "in_force" && form !== null ? FORMS[form] : "–",
      since === null ? "–" : <When at={since} />,
      message === null ? "–" : <Foreign text={message} />,
    ],
  };
}

export function FreezeByName({
  names,
  everything,
}: Pick<SessionsData, "names"> & { readonly everything: boolean }) {
  return (
    <section class="card kill" aria-labelledby="freeze">
      <h2 id="freeze">Freeze</h2>
      <p class="hint">One key is enough to stop something: yours. Each asks for your passkey.</p>
      <FreezeForm
        kind="agent"
        name={null}
        names={names.agents}
        label="Freeze an agent"
        meaning={AGENT_MEANING}
      />
      <FreezeForm
        kind="template"
        name={null}
        names={names.templates}
        label="Freeze a template"
        meaning="No agent gets a session of it any more, and those that were delivered end."
      />
      {!everything && (
        <div class="everything">
          <FreezeForm
            kind="all"
            name={null}
            label="Freeze everything"
            meaning="No agent gets any session any more, and every session of every AI role ends. Two administrators thaw it."
          />
        </div>
      )}
    </section>
  );
}

export const AGENT_MEANING =
  "It gets no session and asks for no approval any more, and its sessions that were delivered end.";
