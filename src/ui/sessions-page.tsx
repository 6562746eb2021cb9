/** Live sessions by agent: what each may do and for how much longer; what is frozen; and how to freeze. */
import type { Child } from "hono/jsx";
import { renderDocument } from "./document.tsx";
import { Foreign } from "./foreign.tsx";
import { FreezeForm } from "./freeze-form.tsx";
import { AGENT_MEANING, FreezeByName, Frozen, InAws } from "./frozen-section.tsx";
import { TimeLeft, When } from "./moments.tsx";
import type { Frame, SessionsData } from "./page-data.ts";
import { DataTable } from "./table.tsx";

type AgentSessions = SessionsData["agents"][number];
type SessionRow = AgentSessions["sessions"][number];

export function sessionsPage({ agents, freezes, roles, names }: SessionsData, frame: Frame): string {
  const isFrozen = (kind: string, name: string | null): boolean =>
    freezes.some(({ target }) => target.kind === kind && target.name === name);
  return renderDocument({
    title: "Sessions",
    frame,
    live: true,
    children: (
      <>
        <h1>Sessions</h1>
        <Frozen freezes={freezes} />
        <InAws roles={roles} />
        {agents.length === 0 && <p class="empty">No agent has a live session.</p>}
        {agents.map((agent) => (
          <Agent agent={agent} frozen={isFrozen("agent", agent.agent)} now={frame.now} />
        ))}
        <FreezeByName names={names} everything={isFrozen("all", null)} />
      </>
    ),
  });
}

function Agent({
  agent: { agent, owner, sessions },
  frozen,
  now,
}: {
  readonly agent: AgentSessions;
  readonly frozen: boolean;
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
      {!frozen && <FreezeForm kind="agent" name={agent} label="Freeze this agent" meaning={AGENT_MEANING} />}
    </section>
  );
}

function isLive({ state, frozenAt, stopped, expiresAt }: SessionRow, now: Date): boolean {
  const goesOn = frozenAt === null && stopped === null;
  return state === "issued" && goesOn && expiresAt !== null && expiresAt > now;
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
      frozenOrOver(session, now) ? "–" : <Freeze id={id} />,
    ],
  };
}

function Time({ session, now }: { readonly session: SessionRow; readonly now: Date }) {
  const { state, frozenAt, stopped, expiresAt, requestedAt } = session;
  if (frozenAt !== null) {
    return (
      <Stopped>
        Frozen <When at={frozenAt} />
      </Stopped>
    );
  }
  if (stopped !== null) return <Stopped>{stopWords(stopped)}</Stopped>;
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

function Stopped({ children }: { readonly children: Child }) {
  return (
    <span class="mark state-denied">
      <span aria-hidden="true">✕</span> {children}
    </span>
  );
}

function stopWords(stopped: NonNullable<SessionRow["stopped"]>): string {
  if (stopped.by === "ended") return "Ended with a freeze, as far as AWS took it";
  const { kind, name } = stopped.target;
  return name === null ? "Frozen with everything" : `Frozen with its ${kind}`;
}

/** One that STS may have issued can be frozen as well, whatever was heard of it. */
function frozenOrOver({ state, frozenAt, expiresAt }: SessionRow, now: Date): boolean {
  if (state === "failed" || frozenAt !== null) return true;
  return expiresAt !== null && expiresAt <= now;
}

function Freeze({ id }: { readonly id: string }) {
  return (
    <FreezeForm
      kind="session"
      name={id}
      label="Freeze this session"
      meaning="It is not delivered if it was not yet, and AWS denies it everything. The agent may ask for another."
    />
  );
}
