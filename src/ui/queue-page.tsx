/** What waits for this person, what waits for others, what they decided: each row enough to know what it is. */
import { renderDocument } from "./document.tsx";
import { Foreign } from "./foreign.tsx";
import { EffectMark, StateMark, VerdictMark } from "./marks.tsx";
import { Ago, TimeLeft } from "./moments.tsx";
import type { Frame, QueueData, QueueRow } from "./page-data.ts";

export function queuePage({ mine, others, decided }: QueueData, frame: Frame): string {
  const waits = mine.length === 1 ? "1 escalation waits for you" : `${mine.length} escalations wait for you`;
  return renderDocument({
    title: "Queue",
    frame,
    live: true,
    status: waits,
    children: (
      <>
        <h1>Queue</h1>
        <List id="mine" title="Waits for you" rows={mine} frame={frame} empty="Nothing waits for you." />
        <List
          id="others"
          title="Waits for others"
          rows={others}
          frame={frame}
          empty="Nothing waits for anybody else."
        />
        <List
          id="decided"
          title="Decided by you"
          rows={decided}
          frame={frame}
          empty="You have decided nothing yet."
        />
      </>
    ),
  });
}

interface ListProps {
  readonly id: string;
  readonly title: string;
  readonly rows: readonly QueueRow[];
  readonly frame: Frame;
  readonly empty: string;
}

function List({ id, title, rows, frame, empty }: ListProps) {
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>
        {title} {rows.length > 0 && <span class="count">{rows.length}</span>}
      </h2>
      {rows.length === 0 ? (
        <p class="empty">{empty}</p>
      ) : (
        <ul class={`queue ${id}`}>
          {rows.map((row) => (
            <Row row={row} frame={frame} />
          ))}
        </ul>
      )}
    </section>
  );
}

function Row({ row, frame }: { readonly row: QueueRow; readonly frame: Frame }) {
  const { id, title, kind, state, decided, approvals, quorum, notMine } = row;
  const open = state === "pending" && row.expiresAt > frame.now;
  return (
    <li class={row.destroys && open ? "destroys" : undefined}>
      <div class="what">
        <h3>
          <a href={`/escalations/${id}`}>
            <Foreign text={title} />
          </a>
        </h3>
        <Where row={row} />
        {row.reason !== null && (
          <p class="reason">
            <Foreign text={row.reason} />
          </p>
        )}
        {notMine !== null && open && <p class="hint">{notMine}</p>}
      </div>
      <div class="marks">
        {row.destroys && <EffectMark effect="destroys" />}
        {decided !== null && <VerdictMark verdict={decided} mine />}
        {!open && !(state === "denied" && decided === "deny") && (
          <StateMark state={state === "pending" ? "expired" : state} kind={kind} />
        )}
        <span class="two-words">{row.code}</span>
      </div>
      <div class="when">
        {open && (
          <p>
            <strong>
              <TimeLeft until={row.expiresAt} now={frame.now} />
            </strong>{" "}
            left
          </p>
        )}
        <p>
          {approvals} of {quorum} approvals
        </p>
        <p class="hint">
          asked <Ago at={row.requestedAt} now={frame.now} />
        </p>
      </div>
    </li>
  );
}

function Where({ row: { agent, owner, account, kind } }: { readonly row: QueueRow }) {
  if (kind === "policy") return <p class="where">the security team’s files changed</p>;
  return (
    <p class="where">
      <strong>{agent}</strong>
      {owner !== null && `, owned by ${owner}`}
      {account !== null && (
        <>
          {" "}
          · account <strong>{account}</strong>
        </>
      )}
    </p>
  );
}
