/** Every template the broker serves, in words: what it is for, who may ask, who approves. */
import { renderDocument } from "./document.tsx";
import { Foreign } from "./foreign.tsx";
import type { Frame, PoliciesData, TemplateRow } from "./page-data.ts";

export function policiesPage({ version, templates, faults }: PoliciesData, frame: Frame): string {
  const of = (kind: TemplateRow["kind"]) => templates.filter((template) => template.kind === kind);
  return renderDocument({
    title: "Policies",
    frame,
    children: (
      <>
        <h1>Policies</h1>
        {faults.length > 0 && (
          <section class="warnings" aria-label="Faults">
            <p class="warning">
              <strong>
                <span aria-hidden="true">⚠ </span>The policy folder has faults
              </strong>{" "}
              and is not served. What you see here is the last good set.
            </p>
            <ul>
              {faults.map((fault) => (
                <li>
                  <Foreign text={fault} />
                </li>
              ))}
            </ul>
          </section>
        )}
        <Templates
          id="escalation"
          title="Waits for approval"
          lede="Escalation templates: each use is approved first."
          rows={of("escalation")}
        />
        <Templates
          id="standing"
          title="On request"
          lede="Standing templates: nobody approves."
          rows={of("standing")}
        />
        <p class="hint">
          Policy version <code>{version}</code>
        </p>
      </>
    ),
  });
}

interface TemplatesProps {
  readonly id: string;
  readonly title: string;
  readonly lede: string;
  readonly rows: readonly TemplateRow[];
}

function Templates({ id, title, lede, rows }: TemplatesProps) {
  return (
    <section aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      <p class="hint">{lede}</p>
      {rows.length === 0 ? (
        <p class="empty">No such template.</p>
      ) : (
        <ul class="cards">
          {rows.map((row) => (
            <li>
              <h3>
                <a href={`/policies/${row.name}`}>{row.title}</a>
              </h3>
              <p>{row.description}</p>
              <TemplateFacts row={row} />
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}

export function TemplateFacts({
  row: { name, intent, accounts, agents, approval },
}: {
  readonly row: TemplateRow;
}) {
  return (
    <dl class="facts">
      <div>
        <dt>Name</dt>
        <dd>
          <code>{name}</code>
        </dd>
      </div>
      <div>
        <dt>Serves at most</dt>
        <dd>{intent}</dd>
      </div>
      <div>
        <dt>Who may ask</dt>
        <dd>{agents.length === 0 ? "no agent" : agents.join(", ")}</dd>
      </div>
      <div>
        <dt>In which accounts</dt>
        <dd>{accounts.join(", ")}</dd>
      </div>
      <div class="wide">
        <dt>Who approves</dt>
        <dd>{approval ?? "nobody: it is vended on request"}</dd>
      </div>
    </dl>
  );
}
