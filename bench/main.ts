/** `npm run bench`: the figures Twokey promises, measured side by side in one run. */
import { cpus } from "node:os";
import { parseArgs } from "node:util";
import { freezeFigures } from "./freeze.ts";
import { growthFigures } from "./growth.ts";
import { pageRows } from "./escalation-page.ts";
import { queueRows, type QueueRow } from "./escalations.ts";
import { mintRows, pacedRow, type MintRow } from "./mint.ts";
import type { Measured } from "./measure.ts";
import { policyFigures } from "./policy.ts";
import { processFigures } from "./processes.ts";
import { soakFigures } from "./soak.ts";
import { startupFigures } from "./startup.ts";

const PARTS = ["mint", "paced", "processes", "freeze", "policy", "escalations", "pages", "startup"] as const;
/** Not measured unless they are named, because they take long. */
const LONG = ["growth", "soak"] as const;
type Part = (typeof PARTS)[number] | (typeof LONG)[number];

const HELP = `npm run bench -- [options]

Measures what Twokey promises, and prints it.

  --only <part>   one of ${PARTS.join(", ")};
                  or, by name alone, growth (a quarter of an hour and 20 GB of disk) or soak (half an hour)
  --quick         shorter, for a look
  --entries <n>   of growth; default 10000000
  --minutes <n>   of soak; default 30
  --json          answer in JSON
  --help          this
`;

const { values } = parseArgs({
  options: {
    help: { type: "boolean", short: "h" },
    json: { type: "boolean" },
    quick: { type: "boolean" },
    only: { type: "string" },
    minutes: { type: "string" },
    entries: { type: "string" },
  },
});
if (values.help === true) {
  process.stdout.write(HELP);
  process.exit(0);
}
// A part that does not exist would be measured in no time.
if (values.only !== undefined && ![...PARTS, ...LONG].some((part) => part === values.only)) {
  process.stderr.write(`bench: there is no part ${values.only}\n\n${HELP}`);
  process.exit(2);
}
const quick = values.quick === true;
const wanted = (part: Part): boolean => values.only === undefined || values.only === part;
const named = (part: Part): boolean => values.only === part;
const note = (text: string): void => {
  process.stderr.write(`… ${text}\n`);
};

const mint = wanted("mint")
  ? await mintRows({ milliseconds: quick ? 500 : 2_000, rounds: quick ? 2 : 4 }, note)
  : [];
if (wanted("paced")) note("mints at 50 a second");
const paced = wanted("paced") ? await pacedRow(quick ? 5 : 60) : null;
if (wanted("processes")) note("mints in one process, and in two");
const processes = wanted("processes")
  ? await processFigures({ milliseconds: quick ? 500 : 3_000, rounds: quick ? 2 : 6 })
  : null;
if (wanted("freeze")) note("freezes");
const freeze = wanted("freeze") ? await freezeFigures(quick ? 5 : 50) : null;
const entries = Number(values.entries ?? 10_000_000);
const growth = named("growth")
  ? await growthFigures(
      quick
        ? { sessions: 10_000, entries: 100_000, milliseconds: 500 }
        : { sessions: entries / 10, entries, milliseconds: 3_000 },
      note,
    )
  : null;
const minutes = Number(values.minutes ?? (quick ? 1 : 30));
const soak = named("soak") ? await soakFigures({ minutes, perSecond: 200 }, note) : null;
if (wanted("policy")) note("policies");
const policy = wanted("policy") ? await policyFigures(quick ? 500 : 3_000) : null;
if (wanted("escalations")) note("escalations");
const queue = wanted("escalations")
  ? await queueRows({ milliseconds: quick ? 200 : 1_000, rounds: quick ? 2 : 4 })
  : null;
if (wanted("pages")) note("pages");
const pages = wanted("pages") ? await pageRows(quick ? 30 : 200) : [];
if (wanted("startup")) note("start-up");
const startup = wanted("startup") ? await startupFigures(quick ? 5 : 25) : null;

if (values.json === true)
  process.stdout.write(
    `${JSON.stringify({ mint, paced, processes, freeze, growth, soak, policy, queue, pages, startup }, null, 2)}\n`,
  );
else report();

function report(): void {
  const lines = [`Node ${process.version}, ${cpus().length} cores`];
  if (mint.length > 0) {
    lines.push(
      "",
      "Mint path beside a bare STS call (ms; two durable commits and a signature check included)",
    );
    lines.push(
      "store       in flight   bare p50   mint p50     added   bare p99   mint p99   bare/s   mint/s   ratio",
    );
    lines.push(...mint.map(row));
  }
  if (paced !== null) {
    const { bare, commits, mint } = paced;
    lines.push(
      "",
      "One mint every 20 ms on PostgreSQL, between them a bare STS call; then two commits of a row every 20 ms (ms)",
    );
    lines.push(`bare ${times(bare)}`, `two commits ${times(commits)}`, `mint ${times(mint)}`);
    lines.push(`added p50 ${(mint.p50 - bare.p50).toFixed(2)}, p99 ${(mint.p99 - bare.p99).toFixed(2)}`);
  }
  if (processes !== null) {
    const { inFlight, one, two } = processes;
    const ratio = (two.perSecond / one.perSecond).toFixed(2);
    lines.push(
      "",
      `Mints by one process and by two on one PostgreSQL, ${inFlight} in flight altogether (ms)`,
    );
    lines.push(`one ${times(one)}, ${one.perSecond.toFixed(0)} a second`);
    lines.push(`two ${times(two)}, ${two.perSecond.toFixed(0)} a second; ratio ${ratio}`);
  }
  if (freeze !== null) {
    const { rounds, answered, lastDelivered, dispatched, deliveredAfter } = freeze;
    lines.push(
      "",
      `Freeze of a minting agent, two brokers on one PostgreSQL, ${rounds} times (ms from the request)`,
    );
    lines.push(`answered ${times(answered)}`, `last delivered by either ${times(lastDelivered)}`);
    lines.push(
      `policy at IAM ${times(dispatched)}`,
      `sessions delivered after the answer: ${deliveredAfter}`,
    );
  }
  if (growth !== null) {
    const { sessions, entries, empty, grown, emptyAt64, grownAt64, proof } = growth;
    lines.push(
      "",
      `${sessions.toLocaleString("en")} sessions and ${entries.toLocaleString("en")} entries (ms)`,
    );
    lines.push(
      `mint, empty ${times(empty)}; grown ${times(grown)}; ratio of p50 ${(grown.p50 / empty.p50).toFixed(2)}`,
    );
    lines.push(
      `64 in flight, empty ${times(emptyAt64)}; grown ${times(grownAt64)}; ratio of p50 ${(grownAt64.p50 / emptyAt64.p50).toFixed(2)}`,
    );
    lines.push(`inclusion proof, checked ${times(proof)}`);
    lines.push(
      `verify ${Math.round(growth.verifiedPerSecond).toLocaleString("en")} entries/s without the search columns`,
      `  ${Math.round(growth.verifiedWithColumnsPerSecond).toLocaleString("en")} entries/s with them`,
    );
  }
  if (soak !== null) {
    const { perSecond, minted, failed, skipped, rss } = soak;
    lines.push(
      "",
      `Soak: ${soak.minutes} min at ${perSecond} mints/s: ${minted} minted, ${failed} failed, ${skipped} skipped`,
    );
    lines.push(`RSS by tenths, the first left out (MiB): ${rss.map((one) => one.toFixed(0)).join(" ")}`);
    const mean = rss.reduce((sum, one) => sum + one, 0) / rss.length;
    const off = Math.max(...rss.map((one) => Math.abs(one - mean) / mean));
    lines.push(`furthest from the mean: ${(off * 100).toFixed(1)} %`);
  }
  if (policy !== null) {
    lines.push("", `Compile staging-deploy   ${policy.compileMicroseconds.toFixed(1)} µs`);
    lines.push(`  data-repair, parameters ${policy.compileWithParametersMicroseconds.toFixed(1)} µs`);
    lines.push(
      `Evaluate a session       ${Math.round(policy.decisionsPerSecond).toLocaleString("en")} decisions/s`,
      `Simulate, JSON in and out ${Math.round(policy.simulatedPerSecond).toLocaleString("en")} lines/s`,
    );
  }
  if (queue !== null) {
    lines.push("", "Questions about escalations by number stored (PostgreSQL, ms p50; ratio to the fewest)");
    lines.push(...queue.map(queueRow));
  }
  if (pages.length > 0) {
    lines.push("", "Pages with 10,000 escalations stored (embedded store; ms of server time, p50 and p99)");
    lines.push(
      ...pages.map(
        ({ page, p50, p99 }) =>
          `${page.padEnd(18)}${p50.toFixed(1).padStart(8)}${p99.toFixed(1).padStart(8)}`,
      ),
    );
  }
  if (startup !== null) {
    lines.push("", `node -e 0                ${startup.node.toFixed(0)} ms`);
    lines.push(`credential-process       ${startup.credentialProcess.toFixed(0)} ms, warm agent`);
  }
  process.stdout.write(`${lines.join("\n")}\n`);
}

function times({ p50, p99 }: Measured): string {
  return `p50 ${p50.toFixed(2)}, p99 ${p99.toFixed(2)}`;
}

function queueRow({ question, p50 }: QueueRow): string {
  const sizes = Object.entries(p50);
  const least = sizes[0]?.[1] ?? NaN;
  const cells = sizes.map(
    ([size, ms]) => `${Number(size).toLocaleString("en")}: ${ms.toFixed(2)} (${(ms / least).toFixed(2)})`,
  );
  return question.padEnd(18) + cells.map((cell) => cell.padStart(24)).join("");
}

function row({ engine, concurrency, bare, mint }: MintRow): string {
  const cell = (value: number, width: number, digits = 2): string => value.toFixed(digits).padStart(width);
  return (
    engine.padEnd(12) +
    String(concurrency).padStart(9) +
    [bare.p50, mint.p50].map((value) => cell(value, 11)).join("") +
    cell(mint.p50 - bare.p50, 10) +
    [bare.p99, mint.p99].map((value) => cell(value, 11)).join("") +
    [bare.perSecond, mint.perSecond].map((value) => cell(value, 9, 0)).join("") +
    cell(mint.perSecond / bare.perSecond, 8)
  );
}
