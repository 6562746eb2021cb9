/** kill -9 of the writing process: whatever it acknowledged is there afterwards. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, expect, test } from "vitest";
import { openAuditLog, type Store } from "../../src/adapters/postgres/audit-log.ts";
import { postgresInstalled, startPostgres } from "../support/postgres.ts";

interface Acknowledged {
  readonly session: string;
  readonly state: string;
  readonly entry: number;
}

/** Starts the writer, kills it after `lines` acknowledgements, and answers all that it said. */
async function writeUntilKilled(
  url: string,
  folder: string,
  lines: number,
): Promise<readonly Acknowledged[]> {
  const writer = join(import.meta.dirname, "crash-writer.ts");
  const child = spawn(process.execPath, ["--import", "tsx", writer, url, folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const gone = once(child, "exit");
  const said: Acknowledged[] = [];
  for await (const line of createInterface(child.stdout)) {
    said.push(JSON.parse(line) as Acknowledged);
    if (said.length === lines) child.kill("SIGKILL");
  }
  expect(await gone).toEqual([null, "SIGKILL"]);
  return said;
}

async function expectAllThere(log: Store, said: readonly Acknowledged[]): Promise<void> {
  const size = await log.size();
  const entries = await log.entries({ from: 0, limit: size + 1 });
  expect(entries.map((entry) => entry.index)).toEqual(Array.from({ length: size }, (_, n) => n));
  for (const { session, state, entry } of said) {
    expect(entries[entry]).toMatchObject({ session, kind: `session.${state}` });
  }
  // The converse for sessions: one is issued if and only if its entry says so.
  const issued = entries.filter((entry) => entry.kind === "session.issued").map((entry) => entry.session);
  const sessions = await log.sessions({ agent: null, limit: size, before: null });
  const moved = sessions.filter((one) => one.state === "issued").map((one) => one.session.id);
  expect(new Set(moved)).toEqual(new Set(issued));
}

describe("after kill -9 of the writing process", () => {
  test("a PGlite folder opens again, twice over, with all that was acknowledged", async () => {
    const folder = mkdtempSync(join(tmpdir(), "twokey-crash-"));
    const first = await writeUntilKilled("", folder, 300);
    expect(existsSync(join(folder, "owner.lock"))).toBe(true);
    const second = await writeUntilKilled("", folder, 300);
    const log = await openAuditLog({ url: null, folder });
    await expectAllThere(log, [...first, ...second]);
    await log.close();
    rmSync(folder, { recursive: true });
  }, 120_000);

  test.skipIf(!postgresInstalled)(
    `PostgreSQL has all that was acknowledged${postgresInstalled ? "" : " (needs PostgreSQL)"}`,
    async () => {
      const cluster = await startPostgres();
      if (cluster === null) throw new Error("PostgreSQL is installed but was not started");
      const said = await writeUntilKilled(cluster.url, "", 300);
      const log = await openAuditLog({ url: cluster.url, folder: null });
      await expectAllThere(log, said);
      await log.close();
      await cluster.stop();
    },
  );
});
