/**
 * Where a person decides: the code to match, the time left, who has decided, and two buttons of the same weight. A
 * button only opens the passkey's own prompt; why somebody may not decide stands in the button's place.
 */
import { Foreign, ForeignQuote } from "./foreign.tsx";
import { VerdictMark } from "./marks.tsx";
import { Ago, TimeLeft } from "./moments.tsx";
import type { EscalationData, Frame } from "./page-data.ts";

interface PanelProps {
  readonly data: EscalationData;
  readonly frame: Frame;
}

export function DecisionPanel({ data, frame }: PanelProps) {
  return (
    <aside class="panel" id="decision" tabindex={-1} aria-label="Decision">
      <div class="code">
        <h2>Code</h2>
        <p class="two-words">{data.code}</p>
        <p class="hint">
          {data.session === null
            ? "The same on every page that shows this change."
            : "The agent shows the same two words to whoever runs it. If they differ, deny."}
        </p>
      </div>
      <Standing data={data} frame={frame} />
      <Votes data={data} frame={frame} />
      <Ballot data={data} frame={frame} />
    </aside>
  );
}

function approvalsOf({ decisions }: EscalationData): number {
  return decisions.filter(({ verdict, counts }) => verdict === "approve" && counts).length;
}

/** Where it stands, in one sentence. Also what a screen reader is told when it changes. */
export function standing(data: EscalationData): string {
  const { state, quorum, usableUntil } = data;
  const of = `${approvalsOf(data)} of ${quorum} approvals`;
  switch (state) {
    case "pending":
      return `Waiting: ${of}`;
    case "approved":
      return data.session === null ? `Approved by ${of}` : `Approved by ${of}, not used yet`;
    case "consumed":
      return data.session === null ? "Approved, and served now" : "Approved, and used for its one session";
    case "denied":
      return "Denied: it can never be used";
    case "expired":
      return usableUntil === null ? `Expired with ${of}` : "Expired: approved, but not used in time";
    case "cancelled":
      return "Cancelled before it was decided";
  }
}

function Standing({ data, frame }: PanelProps) {
  const end = data.state === "pending" ? data.expiresAt : data.state === "approved" ? data.usableUntil : null;
  return (
    <div class={`standing state-${data.state}`}>
      <h2>{standing(data)}</h2>
      {end !== null && (
        <p class="left">
          <TimeLeft until={end} now={frame.now} />{" "}
          {data.state === "pending" ? "left to decide" : "left to use it"}
        </p>
      )}
      {data.minted !== null && (
        <p>
          Session <a href={`/sessions#${data.minted}`}>{data.minted}</a>
        </p>
      )}
    </div>
  );
}

function Votes({ data, frame }: PanelProps) {
  const { decisions, groups, quorum, session } = data;
  return (
    <div class="votes">
      {decisions.length > 0 && (
        <ul>
          {decisions.map(({ person, name, verdict, at, reason, counts }) => (
            <li>
              <VerdictMark verdict={verdict} mine={person === frame.person?.id} />{" "}
              {person !== frame.person?.id && `by ${name} `}
              <Ago at={at} now={frame.now} />
              {verdict === "approve" && !counts && <strong class="flag">does not count any more</strong>}
              {reason !== null && <ForeignQuote text={reason} by={`${name}’s words to the agent`} />}
            </li>
          ))}
        </ul>
      )}
      {data.state === "pending" && (
        <p class="hint">
          {quorum} different {quorum === 1 ? "person" : "people"} of {groups.join(" or ")} must approve
          {session !== null && `, never ${session.owner.name}, who owns the agent`}. One denial ends it.
        </p>
      )}
    </div>
  );
}

function Ballot({ data, frame }: PanelProps) {
  const { mayApprove, mayDeny, state } = data;
  if (state === "denied" || state === "expired" || state === "cancelled") return null;
  if (frame.person === null) return null;
  if (!mayApprove.ok && !mayDeny.ok) {
    const reasons = [...new Set([mayApprove.why, mayDeny.why])];
    return (
      <div class="ballot">
        {reasons.map((why) => (
          <WhyNot why={why} />
        ))}
      </div>
    );
  }
  return (
    <div class="ballot">
      {mayApprove.ok ? <Approve data={data} /> : <WhyNot why={mayApprove.why} />}
      {mayDeny.ok ? <Deny data={data} /> : <WhyNot why={mayDeny.why} />}
      <noscript>
        <p class="hint">Deciding needs this page’s script, for your passkey.</p>
      </noscript>
    </div>
  );
}

function WhyNot({ why }: { readonly why: string }) {
  return (
    <p class="why-not">
      <span aria-hidden="true">⊘ </span>
      <Foreign text={why} />
    </p>
  );
}

function Approve({ data }: { readonly data: EscalationData }) {
  return (
    <form data-ceremony="decide" data-verdict="approve" data-escalation={data.id} data-digest={data.digest}>
      <button class="approve" id="approve" disabled>
        <span aria-hidden="true">✓</span> Approve
      </button>
      <p class="hint">Your passkey asks you once more.</p>
    </form>
  );
}

function Deny({ data }: { readonly data: EscalationData }) {
  const stops = data.session !== null && data.state === "consumed";
  return (
    <form data-ceremony="decide" data-verdict="deny" data-escalation={data.id} data-digest={data.digest}>
      <label for="reason">
        {data.session === null
          ? "Why you deny it (required)"
          : "Why you deny it (required; the agent will read it)"}
      </label>
      <textarea id="reason" name="reason" required rows={2} maxlength={2000}></textarea>
      <button class="deny" id="deny" disabled>
        <span aria-hidden="true">✕</span> {stops ? "Deny and stop the session" : "Deny"}
      </button>
    </form>
  );
}
