/**
 * `twokey escalation verify`: re-checks a finished escalation from the audit log's entries alone, read from the store or
 * from a file of JSON lines. Needs no running broker, and believes none.
 */
import { Command } from "commander";
import { readFileSync } from "node:fs";
import type { StoredEntry } from "../../audit/entry.ts";
import { loadConfig } from "../../config.ts";
import { openStore, verifyRecord } from "../../wire/tools.ts";
import { inert } from "../inert.ts";

interface VerifyOptions {
  readonly config?: string;
  readonly dataDir?: string;
  readonly entries?: string;
  readonly json?: true;
}

export function verifyCommand(): Command {
  return new Command("verify")
    .description(
      "re-check an escalation from the audit log alone: digest, signatures, people, states, session",
    )
    .argument("<id>", "escalation, such as esc-…")
    .option("--data-dir <folder>", "folder of the embedded store, which no broker may have open")
    .option("--config <file>", "the broker's configuration file; its environment variables count too")
    .option("--entries <file>", "audit entries as JSON lines, instead of the store")
    .option("--json", "one JSON object")
    .addHelpText(
      "after",
      "\nEvery line begins with ✓ (it holds), ✗ (it does not) or – (these entries cannot tell). Exit 1 on any ✗.\n",
    )
    .action(async (id: string, options: VerifyOptions) => {
      process.exitCode = await run(id, options);
    });
}

async function run(id: string, options: VerifyOptions): Promise<number> {
  const { config: file, dataDir, entries: entriesFile, json } = options;
  const config = loadConfig({
    flags: { config: file, "data-dir": dataDir },
    env: process.env,
    cwd: process.cwd(),
  });
  if (!config.ok && entriesFile === undefined) {
    process.stderr.write(config.error.map((fault) => `twokey: ${fault}\n`).join(""));
    return 2;
  }
  const entries =
    entriesFile !== undefined ? fromFile(entriesFile) : config.ok ? await fromStore(id, config.value) : null;
  if (entries === null) {
    process.stderr.write(`twokey: ${entriesFile ?? ""} is not a file of audit entries as JSON lines\n`);
    return 2;
  }
  const findings = await verifyRecord(id, entries);
  const ok = findings.every(({ holds }) => holds !== false);
  process.stdout.write(
    json === true
      ? `${JSON.stringify({ escalation: id, ok, findings })}\n`
      : findings
          .map(({ holds, text }) => `${holds === null ? "–" : holds ? "✓" : "✗"} ${inert(text)}\n`)
          .join(""),
  );
  return ok ? 0 : 1;
}

const PAGE = 1000;

/** The escalation's own, and everybody's passkeys before it. */
async function fromStore(
  escalation: string,
  config: Parameters<typeof openStore>[0],
): Promise<readonly StoredEntry[]> {
  const store = await openStore(config);
  try {
    const all: StoredEntry[] = [];
    const nothing = { kinds: null, agent: null, person: null, session: null, escalation: null, text: null };
    for (const query of [
      { ...nothing, escalation },
      { ...nothing, kinds: ["passkey.enrolled", "passkey.removed"] },
    ]) {
      let before: number | null = null;
      do {
        const page: readonly StoredEntry[] = await store.search({ ...query, before, limit: PAGE });
        all.push(...page);
        before = page.length < PAGE ? null : (page.at(-1)?.index ?? null);
      } while (before !== null);
    }
    return all;
  } finally {
    await store.close();
  }
}

/** As `twokey audit ls --json` prints them. Null: it is no such file. */
function fromFile(file: string): readonly StoredEntry[] | null {
  try {
    const lines = readFileSync(file, "utf8")
      .split("\n")
      .filter((line) => line.trim() !== "");
    const entries = lines.map((line) => JSON.parse(line) as StoredEntry);
    return entries.every((entry) => Number.isInteger(entry.index) && typeof entry.kind === "string")
      ? entries
      : null;
  } catch {
    return null;
  }
}
