/**
 * One escalation on one screen: who asks, for what, why; what it could do, destruction first; and the decision. An
 * approver reads nothing else before signing, so nothing of what would be executed may be missing or cut here.
 */
import { Abilities } from "./abilities.tsx";
import { ChangeSetView, ChangeSetWarnings } from "./change-sets.tsx";
import { DecisionPanel, standing } from "./decision-panel.tsx";
import { renderDocument } from "./document.tsx";
import { Foreign, ForeignQuote } from "./foreign.tsx";
import { StateMark } from "./marks.tsx";
import { Ago } from "./moments.tsx";
import type { EscalationData, Frame, PolicyEscalation, SessionEscalation } from "./page-data.ts";
import { spanWords } from "./time-words.ts";

export function escalationPage(given: EscalationData, frame: Frame): string {
  const data = asOf(given, frame.now);
  const { session, policy, id } = data;
  const kind = session === null ? "policy" : "session";
  const title = session?.template.title ?? "Change the policies that are served";
  return renderDocument({
    title: `${title} (${data.code})`,
    frame,
    live: true,
    status: standing(data),
    children: (
      <>
        <p class="over">
          <StateMark state={data.state} kind={kind} /> asked <Ago at={data.requestedAt} now={frame.now} /> ·{" "}
          <code class="id">{id}</code> · <a href={`/audit/escalations/${id}`}>its whole story</a>
        </p>
        <h1>{title}</h1>
        <p class="jump">
          <a href="#decision">{standing(data)}: to the decision</a>
        </p>
        {session !== null && <Warnings session={session} state={data.state} />}
        <div class="two">
          <div class="matter">
            {session !== null && <SessionMatter data={data} session={session} />}
            {policy !== null && <PolicyMatter policy={policy} />}
          </div>
          <DecisionPanel data={data} frame={frame} />
        </div>
      </>
    ),
  });
}

/** Its time is over the moment it is over, even where nothing has recorded that yet. */
function asOf(data: EscalationData, now: Date): EscalationData {
  const over =
    (data.state === "pending" && data.expiresAt <= now) ||
    (data.state === "approved" && data.usableUntil !== null && data.usableUntil <= now);
  return over ? { ...data, state: "expired" } : data;
}

function Warnings(props: { readonly session: SessionEscalation; readonly state: EscalationData["state"] }) {
  const { session, state } = props;
  const open = state === "pending" || state === "approved";
  return (
    <>
      {!session.current && open && (
        <p class="warning">
          <strong>
            <span aria-hidden="true">⚠ </span>Out of date
          </strong>{" "}
          The policies changed since it was asked for. Even approved, it would be refused: the agent must ask
          again.
        </p>
      )}
      <ChangeSetWarnings changeSets={session.changeSets} />
    </>
  );
}

interface MatterProps {
  readonly data: EscalationData;
  readonly session: SessionEscalation;
}

function SessionMatter({ data, session }: MatterProps) {
  const { could, adds, changeSets, reason, agent } = session;
  return (
    <>
      <section aria-labelledby="who">
        <h2 id="who">Who asks, and why</h2>
        <Who session={session} />
        <ForeignQuote text={reason} by={`the reason ${agent} gave; nobody checked it`} />
      </section>
      <section aria-labelledby="could">
        <h2 id="could">What it could do</h2>
        <Abilities could={could} />
      </section>
      {changeSets.length > 0 && (
        <section aria-labelledby="sets">
          <h2 id="sets">What it would execute</h2>
          {changeSets.map((changeSet, index) => (
            <ChangeSetView changeSet={changeSet} index={index} />
          ))}
        </section>
      )}
      <section aria-labelledby="adds">
        <h2 id="adds">What its standing sessions lack and this adds</h2>
        {adds.length === 0 ? (
          <p class="empty">Nothing: the agent has a standing template that allows all of it.</p>
        ) : (
          <ul class="plain">
            {adds.map((line) => (
              <li>
                <Foreign text={line} />
              </li>
            ))}
          </ul>
        )}
      </section>
      <Exactly data={data} session={session} />
    </>
  );
}

function Who({ session }: { readonly session: SessionEscalation }) {
  const { agent, owner, proof, account, durationSeconds, task } = session;
  return (
    <dl class="facts">
      <div>
        <dt>Agent</dt>
        <dd>
          <strong>{agent}</strong>, owned by {owner.name} ({owner.id})
        </dd>
      </div>
      <div>
        <dt>Account</dt>
        <dd>
          <strong>{account.name}</strong> {account.id}
        </dd>
      </div>
      <div>
        <dt>For how long</dt>
        <dd>
          <strong>{spanWords(durationSeconds)}</strong>, one session, once
        </dd>
      </div>
      <div class="wide">
        <dt>Task</dt>
        <dd>
          <Foreign text={task.summary} />
          {task.id !== null && (
            <small>
              {" "}
              (<Foreign text={task.id} />)
            </small>
          )}
        </dd>
      </div>
      <div class="wide">
        <dt>How it proved itself</dt>
        <dd>
          a token of <Foreign text={proof.issuer} /> for <Foreign text={proof.subject} />
        </dd>
      </div>
    </dl>
  );
}

function Exactly({ data, session }: MatterProps) {
  const { template, parameters, roleArn, policyText, policyArns } = session;
  return (
    <section aria-labelledby="exactly">
      <h2 id="exactly">Exactly</h2>
      <details id="policy">
        <summary>Compiled session policy, as AWS will be sent it</summary>
        <pre tabindex={0}>
          <code>
            <Foreign text={policyText} />
          </code>
        </pre>
        {policyArns.map((arn) => (
          <p>
            and the published policy{" "}
            <code>
              <Foreign text={arn} />
            </code>
          </p>
        ))}
      </details>
      <details id="request">
        <summary>Parameters, role, template and digest</summary>
        <dl>
          {Object.entries(parameters).map(([name, values]) => (
            <>
              <dt>{name}</dt>
              {values.map((value) => (
                <dd>
                  <code>
                    <Foreign text={value} />
                  </code>
                </dd>
              ))}
            </>
          ))}
          <dt>Role</dt>
          <dd>
            <code>{roleArn}</code>
          </dd>
          <dt>Template</dt>
          <dd>
            <a href={`/policies/${template.name}`}>{template.name}</a>: {template.description}
          </dd>
          <dt>Template’s version</dt>
          <dd>
            <code>{template.version}</code>
          </dd>
          <dt>Digest of everything above, which passkeys sign</dt>
          <dd>
            <code>{data.digest}</code>
          </dd>
        </dl>
      </details>
    </section>
  );
}

const DIRECTIONS = /^(gained|lost|changed): /;

function PolicyMatter({ policy: { from, to, changes } }: { readonly policy: PolicyEscalation }) {
  return (
    <section aria-labelledby="means">
      <h2 id="means">What the new policies mean</h2>
      <p class="hint">
        Gained: AI sessions can do more, or get it more easily. Lost: less. Changed: neither.
      </p>
      {changes.length === 0 ? (
        <p class="empty">No agent can do more or less than before.</p>
      ) : (
        <ul class="diff">
          {changes.map((change) => {
            const direction = DIRECTIONS.exec(change)?.[1] ?? "changed";
            const sign = direction === "gained" ? "+" : direction === "lost" ? "−" : "Δ";
            return (
              <li>
                <span class={`mark ${direction}`}>
                  <span aria-hidden="true">{sign}</span> {direction}
                </span>{" "}
                <Foreign text={change.replace(DIRECTIONS, "")} />
              </li>
            );
          })}
        </ul>
      )}
      <details id="digests">
        <summary>Digests</summary>
        <dl>
          <dt>Served now</dt>
          <dd>
            <code>{from}</code>
          </dd>
          <dt>Served once approved</dt>
          <dd>
            <code>{to}</code>
          </dd>
        </dl>
      </details>
    </section>
  );
}
