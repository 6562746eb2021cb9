/**
 * A CloudFormation change set: how much it adds, modifies, replaces and removes, then every change, what is lost
 * first. What AWS does not say is said to be unknown, never passed over.
 */
import type { ChangeSet, ResourceChange } from "../escalation/escalation.ts";
import { Foreign, ForeignQuote } from "./foreign.tsx";
import { DataTable } from "./table.tsx";

type Deed = "removes" | "replaces" | "may replace" | "unknown" | "imports" | "modifies" | "adds";

/** Worst first. */
const DEEDS: readonly { readonly deed: Deed; readonly sign: string; readonly effect: string }[] = [
  { deed: "removes", sign: "✕", effect: "destroys" },
  { deed: "replaces", sign: "✕", effect: "destroys" },
  { deed: "may replace", sign: "✕", effect: "destroys" },
  { deed: "unknown", sign: "?", effect: "destroys" },
  { deed: "imports", sign: "Δ", effect: "changes" },
  { deed: "modifies", sign: "Δ", effect: "changes" },
  { deed: "adds", sign: "+", effect: "creates" },
];

function deedOf({ action, replacement }: ResourceChange): Deed {
  switch (action) {
    case "Remove":
      return "removes";
    case "Add":
      return "adds";
    case "Import":
      return "imports";
    case "Dynamic":
      return "unknown";
    case "Modify":
      if (replacement === "True") return "replaces";
      // AWS leaves it open before the change set runs: it counts as the worse of the two.
      return replacement === "Conditional" ? "may replace" : "modifies";
  }
}

const loses = (deed: Deed): boolean => DEEDS.some((row) => row.deed === deed && row.effect === "destroys");
const weight = (deed: Deed): number => DEEDS.findIndex((row) => row.deed === deed);

/** Everything a change set warns of, for the top of the page. */
export function ChangeSetWarnings({ changeSets }: { readonly changeSets: readonly ChangeSet[] }) {
  const warnings = changeSets.flatMap(({ warnings, name }) => warnings.map((warning) => ({ warning, name })));
  if (warnings.length === 0) return null;
  return (
    <section class="warnings" aria-label="Warnings">
      {warnings.map(({ warning, name }) => (
        <p class="warning">
          <strong>
            <span aria-hidden="true">⚠ </span>Warning
          </strong>{" "}
          <Foreign text={warning} />
          {changeSets.length > 1 && (
            <small>
              {" "}
              (change set <Foreign text={name} />)
            </small>
          )}
        </p>
      ))}
    </section>
  );
}

export function ChangeSetView({
  changeSet,
  index,
}: {
  readonly changeSet: ChangeSet;
  readonly index: number;
}) {
  const { name, stack, description, executionStatus, tags, arn } = changeSet;
  const changes = changeSet.changes
    .map((change) => ({ change, deed: deedOf(change) }))
    .sort((a, b) => weight(a.deed) - weight(b.deed));
  return (
    <section class="change-set">
      <h3>
        Change set <Foreign text={name} /> on the stack <Foreign text={stack} />
      </h3>
      <Counts deeds={changes.map(({ deed }) => deed)} />
      {executionStatus !== "AVAILABLE" && (
        <p class="warning">
          <strong>
            <span aria-hidden="true">⚠ </span>Not ready
          </strong>{" "}
          AWS said <Foreign text={executionStatus} /> when it was asked for: it may not be executable.
        </p>
      )}
      {description !== null && (
        <ForeignQuote text={description} by="its description, written by who prepared it" />
      )}
      {changes.length === 0 ? (
        <p class="empty">AWS shows no change to any resource.</p>
      ) : (
        <DataTable
          caption="What it does to each resource, losses first"
          columns={["It", "This resource", "What becomes of the old one", "What changes"]}
          rows={changes.map(({ change, deed }) => row(change, deed))}
        />
      )}
      <details id={`change-set-${index}`}>
        <summary>Full name, and the tags the stack has afterwards</summary>
        <p>
          <code>
            <Foreign text={arn} />
          </code>
        </p>
        {tags.length === 0 ? (
          <p class="empty">The stack has no tags afterwards.</p>
        ) : (
          <dl>
            {tags.map(({ key, value }) => (
              <>
                <dt>
                  <Foreign text={key} />
                </dt>
                <dd>
                  <Foreign text={value} />
                </dd>
              </>
            ))}
          </dl>
        )}
      </details>
    </section>
  );
}

function Counts({ deeds }: { readonly deeds: readonly Deed[] }) {
  const always: readonly Deed[] = ["removes", "replaces", "modifies", "adds"];
  const counts = DEEDS.map((row) => ({ ...row, count: deeds.filter((deed) => deed === row.deed).length }));
  return (
    <ul class="counts" aria-label="In all">
      {counts
        .filter(({ deed, count }) => count > 0 || always.includes(deed))
        .map(({ deed, effect, count }) => (
          <li class={count === 0 ? "none" : `effect-${effect}`}>
            {deed} <b>{count}</b>
          </li>
        ))}
    </ul>
  );
}

function row(change: ResourceChange, deed: Deed) {
  const { sign, effect } = DEEDS[weight(deed)] ?? { sign: "?", effect: "destroys" };
  return {
    danger: loses(deed),
    cells: [
      <span class={`mark effect-${effect}`}>
        <span aria-hidden="true">{sign}</span> {deed}
      </span>,
      <>
        <strong>
          <Foreign text={change.logicalId} />
        </strong>
        <small class="under">
          <Foreign text={change.type} />
        </small>
        {change.physicalId !== null && (
          <small class="under">
            <Foreign text={change.physicalId} />
          </small>
        )}
      </>,
      <Fate change={change} deed={deed} />,
      change.details.length === 0 ? "–" : <Foreign text={change.details.join(", ")} />,
    ],
  };
}

const FATES: Readonly<Record<string, string>> = {
  Delete: "deleted with its data",
  Retain: "kept, out of the stack",
  Snapshot: "deleted after a snapshot",
  ReplaceAndDelete: "deleted with its data",
  ReplaceAndRetain: "kept, out of the stack",
  ReplaceAndSnapshot: "deleted after a snapshot",
};

function Fate({ change: { policyAction }, deed }: { readonly change: ResourceChange; readonly deed: Deed }) {
  if (policyAction === null) {
    if (loses(deed)) return <>AWS does not say: expect it to be deleted</>;
    return <>{deed === "adds" ? "–" : "stays"}</>;
  }
  return (
    <>
      {Object.hasOwn(FATES, policyAction) ? FATES[policyAction] : "AWS says"}{" "}
      <small>
        (<Foreign text={policyAction} />)
      </small>
    </>
  );
}
