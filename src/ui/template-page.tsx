/** One template: in words, its proof, its source, and a playground that asks the evaluator. */
import { Abilities } from "./abilities.tsx";
import { renderDocument } from "./document.tsx";
import { Foreign } from "./foreign.tsx";
import type { Frame, PlaygroundData, TemplateData } from "./page-data.ts";
import { TemplateFacts } from "./policies-page.tsx";
import { DataTable } from "./table.tsx";

export function templatePage(data: TemplateData, playground: PlaygroundData, frame: Frame): string {
  return renderDocument({
    title: data.title,
    frame,
    children: (
      <>
        <p class="over">
          <a href="/policies">Policies</a> · {data.kind === "standing" ? "on request" : "waits for approval"}
        </p>
        <h1>{data.title}</h1>
        <p>{data.description}</p>
        <TemplateFacts row={data} />
        <section aria-labelledby="could">
          <h2 id="could">What a session of it can do at most</h2>
          <Abilities could={data.could} />
        </section>
        <Parameters parameters={data.parameters} />
        <Proof proof={data.proof} />
        <section aria-labelledby="source">
          <h2 id="source">Source</h2>
          <details id="yaml">
            <summary>The file as it is served</summary>
            <pre tabindex={0}>
              <code>
                <Foreign text={data.source} />
              </code>
            </pre>
          </details>
        </section>
        <Playground data={playground} />
      </>
    ),
  });
}

function Parameters({ parameters }: Pick<TemplateData, "parameters">) {
  return (
    <section aria-labelledby="parameters">
      <h2 id="parameters">Parameters</h2>
      {parameters.length === 0 ? (
        <p class="empty">It takes none.</p>
      ) : (
        <DataTable
          caption="What an agent fills in"
          columns={["Parameter", "What it is", "What it may look like"]}
          rows={parameters.map(({ name, description, like, optional }) => ({
            cells: [
              <code>{name}</code>,
              `${description}${optional ? " May be left out." : ""}`,
              like.map((glob) => (
                <code class="under">
                  <Foreign text={glob} />
                </code>
              )),
            ],
          }))}
        />
      )}
    </section>
  );
}

function Proof({ proof }: Pick<TemplateData, "proof">) {
  const broken = proof.filter(({ holds }) => !holds).length;
  return (
    <section aria-labelledby="proof">
      <h2 id="proof">Proof</h2>
      {proof.length === 0 ? (
        <p class="empty">It states no case.</p>
      ) : (
        <DataTable
          caption={
            broken === 0
              ? `All ${proof.length} of its cases hold, as the evaluator says now`
              : `${broken} of its ${proof.length} cases do not hold`
          }
          columns={["Case", "Holds", "Request", "The evaluator says"]}
          rows={proof.map(({ title, action, resource, decision, holds }) => ({
            danger: !holds,
            cells: [
              title,
              <span class={`mark ${holds ? "state-approved" : "state-denied"}`}>
                <span aria-hidden="true">{holds ? "✓" : "✗"}</span> {holds ? "holds" : "does not hold"}
              </span>,
              <>
                <code>{action}</code>
                <small class="under">
                  <Foreign text={resource} />
                </small>
              </>,
              <code>{decision}</code>,
            ],
          }))}
        />
      )}
    </section>
  );
}

function Playground({ data: { template, asked, answer } }: { readonly data: PlaygroundData }) {
  return (
    <section aria-labelledby="playground">
      <h2 id="playground">Playground</h2>
      <p class="hint">
        Asks the same evaluator that proves the policies. It changes nothing and calls nobody.
      </p>
      <form method="post" action={`/policies/${template}/playground#answer`} class="fields">
        <label class="wide">
          Parameters, as JSON
          <textarea name="parameters" rows={3} spellcheck={false}>
            {asked.parameters}
          </textarea>
        </label>
        <label>
          Account
          <input name="account" value={asked.account} inputmode="numeric" />
        </label>
        <label>
          Action
          <input name="action" value={asked.action} placeholder="s3:DeleteBucket" required />
        </label>
        <label class="wide">
          Resource
          <input name="resource" value={asked.resource} placeholder="an ARN, or *" required />
        </label>
        <label class="wide">
          Context, as JSON
          <textarea name="context" rows={2} spellcheck={false}>
            {asked.context}
          </textarea>
        </label>
        <button>Ask the evaluator</button>
      </form>
      {answer !== null && <Answer answer={answer} />}
    </section>
  );
}

function Answer({ answer }: { readonly answer: NonNullable<PlaygroundData["answer"]> }) {
  if (!answer.ok) {
    return (
      <p id="answer" class="warning">
        <strong>
          <span aria-hidden="true">⚠ </span>Not evaluated
        </strong>{" "}
        <Foreign text={answer.problem} />
      </p>
    );
  }
  const allowed = answer.decision === "allowed";
  return (
    <div id="answer" class="answer">
      <p>
        <span class={`mark ${allowed ? "state-approved" : "state-denied"}`}>
          <span aria-hidden="true">{allowed ? "✓" : "✕"}</span> {answer.decision}
        </span>{" "}
        <Foreign text={answer.why} />
      </p>
      <details id="answer-policy">
        <summary>The session policy it was asked of</summary>
        <pre tabindex={0}>
          <code>
            <Foreign text={answer.policyText} />
          </code>
        </pre>
      </details>
    </div>
  );
}
