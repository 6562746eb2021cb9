/** `twokey audit ls`, `show` and `tail` on a real store: what is shown, what is left out, and that it is inert. */
import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { openAuditLog } from "../../src/adapters/postgres/audit-log.ts";
import type { EntryKind } from "../../src/audit/entry.ts";
import { ENTRY_KINDS } from "../../src/audit/sentence.ts";
import { auditCommand } from "../../src/cli/audit.ts";
import { wholeEntry } from "../../src/cli/audit/lines.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import { entryOf } from "../support/every-entry.ts";
import { postgresInstalled, startPostgres, type Postgres } from "../support/postgres.ts";
import { BUNDLE } from "../support/bundle.ts";

vi.setConfig({ testTimeout: 60_000 });

const written = (kind: EntryKind) => {
  const { index, ...entry } = entryOf(kind);
  return { index, entry };
};

const HOSTILE = "\u202e\u001b[2J\u009b\u2028\u{e0041}end";

/** One entry of every kind, in the order of ENTRY_KINDS; then one whose words are hostile. */
const folder = join(mkdtempSync(join(tmpdir(), "twokey-audit-")), "data");
beforeAll(async () => {
  const store = await openAuditLog({ url: null, folder });
  for (const kind of ENTRY_KINDS) await store.append(written(kind).entry);
  const refused = written("request.refused").entry;
  await store.append({ ...refused, detail: { ...refused.detail, reason: HOSTILE } } as typeof refused);
  await store.close();
});

let out = "";
let err = "";
let exitCode: typeof process.exitCode;
beforeEach(() => {
  exitCode = process.exitCode;
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    out += String(text);
    return true;
  });
  vi.spyOn(process.stderr, "write").mockImplementation((text) => {
    err += String(text);
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = exitCode;
});

/** Exit code and what was printed. */
async function audit(...argv: readonly string[]) {
  [out, err] = ["", ""];
  process.exitCode = undefined;
  const line = [...argv, "--data-dir", folder];
  return { code: await runCommand(await auditCommand(line), line), out, err };
}
const kindsOf = (text: string): string[] =>
  text
    .split("\n")
    .filter(Boolean)
    .map((line) => (JSON.parse(line) as { kind: string }).kind);
const last = ENTRY_KINDS.length;

describe("show", () => {
  test.each(ENTRY_KINDS)("has every value of an entry of kind %s", (kind) => {
    const shown = wholeEntry(entryOf(kind));
    const text = JSON.stringify(Object.values(entryOf(kind)));
    const values = text.match(/(?<=")[^":,[\]{}]{2,}(?=")/g) ?? [];
    expect(values.length).toBeGreaterThan(1);
    for (const value of values) expect(shown).toContain(value);
  });

  test("has an agent's words whole and as nothing but text", async () => {
    const { out } = await audit("show", String(last));
    expect(out).toContain("reason: \\u{202e}\\u{1b}[2J\\u{9b}\\u{2028}\\u{e0041}end\n");
    expect(out.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  });

  test("as JSON is the entry as it is, and as inert", async () => {
    const { out } = await audit("show", String(last), "--json");
    expect(JSON.parse(out)).toMatchObject({ index: last, detail: { reason: HOSTILE } });
    expect(out.trimEnd()).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  });

  test("of an entry that is not there fails and says how many there are", async () => {
    const { code, out, err } = await audit("show", String(last + 1));
    expect([code, out]).toEqual([1, ""]);
    expect(err).toBe(`twokey: the log has no entry ${last + 1}; it has ${last + 1}\n`);
  });

  test.each(["-1", "one", "1.5", ""])("of %j is wrong usage", async (index) => {
    expect((await audit("show", "--", index)).code).toBe(2);
  });
});

describe("ls", () => {
  test.each([
    [
      ["--session", "tks-aaaaaaaaaaaaaaaaaaaaaaaa"],
      ENTRY_KINDS.filter((kind) => kind.startsWith("session.")),
    ],
    [
      ["--escalation", "esc-aaaaaaaaaaaaaaaaaaaaaaaa"],
      ENTRY_KINDS.filter((kind) => kind.startsWith("escalation.")),
    ],
    [["--person", "maria", "--escalation", "esc-aaaaaaaaaaaaaaaaaaaaaaaa"], ["escalation.decided"]],
    [["--agent", "nobody"], []],
    [
      ["--kind", "broker.started", "--kind", "policy.loaded"],
      ["policy.loaded", "broker.started"],
    ],
    [
      ["--agent", "orders-ci", "--limit", "2"],
      ["request.refused", "request.refused"],
    ],
    [
      ["--person", "maria", "--from", String(ENTRY_KINDS.indexOf("passkey.enrolled"))],
      ["passkey.enrolled", "passkey.removed"],
    ],
    [
      ["--agent", "orders-ci", "--from", "1", "--limit", "2"],
      ["session.issued", "session.failed"],
    ],
  ])("%j shows what fits, in the order of the log", async (flags, kinds) => {
    const { code, out } = await audit("ls", "--json", ...flags);
    expect([code, kindsOf(out)]).toEqual([0, kinds]);
  });

  test("a kind that is none is wrong usage, and the kinds are told", async () => {
    const { code, err } = await audit("ls", "--kind", "session.stolen");
    expect(code).toBe(2);
    expect(err).toContain("session.failed");
  });

  test("JSON is inert too", async () => {
    const { out } = await audit("ls", "--json", "--limit", "1");
    expect(JSON.parse(out)).toMatchObject({ detail: { reason: HOSTILE } });
    expect(out.trimEnd()).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  });
});

describe.skipIf(!postgresInstalled)("tail", () => {
  let postgres: Postgres | null = null;
  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres?.stop());

  /** A `twokey audit tail` on a database where a broker writes; its lines come one by one. */
  async function tail(...flags: readonly string[]) {
    const url = (await postgres?.database()) ?? "";
    const store = await openAuditLog({ url, folder: null });
    const write = (kind: EntryKind) => store.append(written(kind).entry);
    for (const kind of ["broker.started", "session.intent", "session.issued"] as const) await write(kind);
    const child = spawn(process.execPath, [BUNDLE, "audit", "tail", "--json", ...flags], {
      env: { PATH: process.env["PATH"], NODE_NO_WARNINGS: "1", TWOKEY_DATABASE_URL: url },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = new Promise<number | string | null>((resolve) => {
      child.once("close", (code, signal) => {
        resolve(code ?? signal);
      });
    });
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const next = async (): Promise<string> => {
      const line: IteratorResult<string, unknown> = await lines.next();
      return line.done === true ? "ended" : (JSON.parse(line.value) as { kind: string }).kind;
    };
    const stop = async (signal: NodeJS.Signals) => {
      child.kill(signal);
      const code = await ended;
      await store.close();
      return [code, await next()];
    };
    return { write, next, stop };
  }

  test("shows the last entries, then each new one once, and ends with 0 when it is interrupted", async () => {
    const { write, next, stop } = await tail("--lines", "2");
    expect([await next(), await next()]).toEqual(["session.intent", "session.issued"]);
    for (const kind of ["session.failed", "broker.stopped"] as const) await write(kind);
    expect([await next(), await next()]).toEqual(["session.failed", "broker.stopped"]);
    await write("broker.started");
    expect(await next()).toBe("broker.started");
    expect(await stop("SIGINT")).toEqual([0, "ended"]);
  });

  test("shows only what fits, of the last and of the new", async () => {
    const { write, next, stop } = await tail(
      "--kind",
      "session.issued",
      "--kind",
      "session.failed",
      "--agent",
      "orders-ci",
    );
    expect(await next()).toBe("session.issued");
    for (const kind of ["broker.stopped", "session.unknown", "session.failed"] as const) await write(kind);
    expect(await next()).toBe("session.failed");
    expect(await stop("SIGTERM")).toEqual([0, "ended"]);
  });
});
