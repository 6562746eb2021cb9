/** The record, readable: every entry as a sentence, the entry itself one click away. */
import { renderDocument } from "./document.tsx";
import { Foreign } from "./foreign.tsx";
import { When } from "./moments.tsx";
import type { AuditData, AuditRow, Frame, StoryData } from "./page-data.ts";
import { DataTable } from "./table.tsx";

export function auditPage({ filter, kinds, entries, next }: AuditData, frame: Frame): string {
  return renderDocument({
    title: "Audit",
    frame,
    children: (
      <>
        <h1>Audit</h1>
        <Search filter={filter} kinds={kinds} />
        {entries.length === 0 ? (
          <p class="empty">No entry matches.</p>
        ) : (
          <Entries
            rows={entries}
            caption={`${entries.length} ${entries.length === 1 ? "entry" : "entries"}, newest first`}
            of={null}
          />
        )}
        {next !== null && (
          <p>
            <a href={`/audit?${older(filter, next)}`} rel="next">
              Older entries
            </a>
          </p>
        )}
      </>
    ),
  });
}

export function storyPage({ escalation, rows }: StoryData, frame: Frame): string {
  return renderDocument({
    title: `Story of ${escalation}`,
    frame,
    live: true,
    children: (
      <>
        <p class="over">
          <a href={`/escalations/${escalation}`}>The escalation</a> · <a href="/audit">Audit</a>
        </p>
        <h1>Story of an escalation</h1>
        <p>
          <code>{escalation}</code>
        </p>
        {rows.length === 0 ? (
          <p class="empty">The record holds nothing of it.</p>
        ) : (
          <Entries rows={rows} caption="Everything on record, in order" of={escalation} />
        )}
      </>
    ),
  });
}

function older(filter: AuditData["filter"], before: number): string {
  const set = Object.entries(filter).filter(([, value]) => value !== "");
  return new URLSearchParams([...set, ["before", String(before)]]).toString();
}

function Search({ filter, kinds }: Pick<AuditData, "filter" | "kinds">) {
  return (
    <form method="get" action="/audit" class="fields" aria-label="Search the record">
      <label>
        Text
        <input name="text" type="search" value={filter.text} />
      </label>
      <label>
        Kind
        <select name="kind">
          <option value="">all</option>
          {kinds.map((kind) => (
            <option value={kind} selected={kind === filter.kind}>
              {kind}
            </option>
          ))}
        </select>
      </label>
      <label>
        Agent
        <input name="agent" value={filter.agent} />
      </label>
      <label>
        Person
        <input name="person" value={filter.person} />
      </label>
      <button>Search</button>
    </form>
  );
}

interface EntriesProps {
  readonly rows: readonly AuditRow[];
  readonly caption: string;
  /** The escalation whose story this is: a link to it would lead nowhere. */
  readonly of: string | null;
}

function Entries({ rows, caption, of }: EntriesProps) {
  return (
    <DataTable
      caption={caption}
      columns={["Time", "What happened", "Who", "Entry"]}
      rows={rows.map(({ entry, sentence }) => ({
        cells: [
          <When at={entry.at} />,
          <Foreign text={sentence} />,
          <Who entry={entry} of={of} />,
          <details id={`entry-${entry.index}`} class="entry">
            <summary>
              #{entry.index} <span class="more">{entry.kind}</span>
            </summary>
            <pre tabindex={0}>
              <code>
                <Foreign text={JSON.stringify(entry, null, 2)} />
              </code>
            </pre>
          </details>,
        ],
      }))}
    />
  );
}

function Who({
  entry: { person, agent, escalation },
  of,
}: Pick<AuditRow, "entry"> & { readonly of: string | null }) {
  return (
    <>
      {person ?? agent ?? "the broker"}
      {escalation !== null && escalation !== of && (
        <small class="under">
          <a href={`/audit/escalations/${escalation}`}>its escalation’s story</a>
        </small>
      )}
    </>
  );
}
