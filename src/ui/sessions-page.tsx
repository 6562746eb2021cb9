/** Live and past sessions by agent: what each may do, for how much longer, and where it will be frozen. */
import { renderDocument } from "./document.tsx";
import { Foreign } from "./foreign.tsx";
import { TimeLeft, When } from "./moments.tsx";
import type { Frame, SessionsData } from "./page-data.ts";
import { DataTable } from "./table.tsx";

type AgentSessions = SessionsData["agents"][number];
type SessionRow = AgentSessions["sessions"][number];

export function sessionsPage({ agents }: SessionsData, frame: Frame): string {
  return renderDocument({
    title: "Sessions",
    frame,
    live: true,
    children: (
      <>
        <h1>Sessions</h1>
        {agents.length === 0 && <p class="empty">No agent has asked for a session yet.</p>}
        {agents.map((agent) => (
          <Agent agent={agent} now={frame.now} />
        ))}
      </>
    ),
  });
}

function Agent({
  agent: { agent, owner, sessions },
  now,
}: {
  readonly agent: AgentSessions;
  readonly now: Date;
}) {
  const live = sessions.filter((session) => isLive(session, now)).length;
  return (
    <section aria-labelledby={`agent-${agent}`}>
      <h2 id={`agent-${agent}`}>
        {agent} <small>owned by {owner}</small>
      </h2>
      {sessions.length === 0 ? (
        <p class="empty">No session.</p>
      ) : (
        <DataTable
          caption={`${live} live, ${sessions.length} shown`}
          columns={["Session", "What it may do", "Task", "Account", "Time", "Freeze"]}
          rows={sessions.map((session) => row(session, now))}
        />
      )}
    </section>
  );
}

function isLive({ state, frozenAt, expiresAt }: SessionRow, now: Date): boolean {
  return state === "issued" && frozenAt === null && expiresAt !== null && expiresAt > now;
}

function row(session: SessionRow, now: Date) {
  const { id, template, account, may, summary, escalation } = session;
  return {
    id,
    cells: [
      <>
        <code class="id">{id}</code>
        {escalation !== null && (
          <small class="under">
            by <a href={`/escalations/${escalation}`}>an escalation</a>
          </small>
        )}
      </>,
      <>
        {may}
        <small class="under">
          <a href={`/policies/${template}`}>{template}</a>
        </small>
      </>,
      <Foreign text={summary} />,
      account,
      <Time session={session} now={now} />,
      isLive(session, now) ? <Freeze id={id} /> : "–",
    ],
  };
}

function Time({ session, now }: { readonly session: SessionRow; readonly now: Date }) {
  const { state, frozenAt, expiresAt, requestedAt } = session;
  if (frozenAt !== null) {
    return (
      <span class="mark state-denied">
        <span aria-hidden="true">✕</span> Frozen <When at={frozenAt} />
      </span>
    );
  }
  switch (state) {
    case "intent":
      return (
        <>
          being issued, asked for <When at={requestedAt} />
        </>
      );
    case "failed":
      return (
        <>
          not issued <When at={requestedAt} />
        </>
      );
    case "unknown":
      return (
        <>
          never delivered <When at={requestedAt} />
        </>
      );
    case "issued":
      return expiresAt !== null && expiresAt > now ? (
        <span class="mark state-approved">
          <span aria-hidden="true">●</span> Live, <TimeLeft until={expiresAt} now={now} /> left
        </span>
      ) : (
        <>
          over since <When at={expiresAt ?? requestedAt} />
        </>
      );
  }
}

function Freeze({ id }: { readonly id: string }) {
  return (
    <>
      <button type="button" class="quiet" disabled aria-describedby={`why-${id}`}>
        Freeze
      </button>
      <small class="under" id={`why-${id}`}>
        comes with the kill switch
      </small>
    </>
  );
}
