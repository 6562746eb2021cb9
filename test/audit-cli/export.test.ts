/** `twokey audit export`: exact texts and events, to a pipe or a file that is whole or not there. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test, vi } from "vitest";
import { openAuditLog } from "../../src/adapters/postgres/audit-log.ts";
import { auditCommand } from "../../src/cli/audit.ts";
import { exportedPages, type Wanted } from "../../src/cli/audit/export-lines.ts";
import { outFile } from "../../src/cli/audit/out-file.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import { entryOf } from "../support/every-entry.ts";
import { memoryLog } from "../support/memory-log.ts";
import { BUNDLE } from "../support/bundle.ts";

const log = memoryLog();
log.add(1_234);

async function exported(wanted: Pick<Wanted, "from" | "to" | "format"> & Partial<Wanted>) {
  const pages: string[] = [];
  let entries = 0;
  for await (const page of exportedPages({ log: log.reader, version: "1.2.3", ...wanted })) {
    pages.push(page.text);
    entries += page.entries;
  }
  const text = pages.join("");
  expect(text.endsWith("\n") || text === "").toBe(true);
  return { lines: text.split("\n").slice(0, -1), entries };
}

describe("the lines", () => {
  test("are index and exact text of every entry, in order", async () => {
    const { lines, entries } = await exported({ from: 0, to: 1_234, format: "jsonl" });
    const read = lines.map((line) => JSON.parse(line) as { index: number; text: string });
    expect(read.map(({ text }) => text)).toEqual(log.texts);
    expect(read.map(({ index }) => index)).toEqual([...log.texts.keys()]);
    expect(entries).toBe(1_234);
  });

  test("are those from one entry to before another", async () => {
    const { lines } = await exported({ from: 498, to: 1_002, format: "jsonl" });
    expect([lines.length, JSON.parse(lines[0] ?? ""), JSON.parse(lines.at(-1) ?? "")]).toMatchObject([
      504,
      { index: 498 },
      { index: 1_001 },
    ]);
    expect((await exported({ from: 7, to: 7, format: "jsonl" })).lines).toEqual([]);
  });

  test("are an OCSF event an entry", async () => {
    const { lines } = await exported({ from: 3, to: 5, format: "ocsf" });
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      {
        class_uid: 6003,
        time: Date.UTC(2030, 0, 1, 0, 0, 3),
        metadata: { sequence: 3, product: { version: "1.2.3" } },
      },
      { class_uid: 6003, time: Date.UTC(2030, 0, 1, 0, 0, 4), metadata: { sequence: 4 } },
    ]);
  });

  test.each(["jsonl", "ocsf"] as const)("as %s hold nothing that a terminal obeys", async (format) => {
    const { lines } = await exported({ from: 0, to: 1, format });
    expect(lines[0]).toContain("\\u202e");
    expect(lines[0]).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  test("come a page at a time: no more is read ahead", async () => {
    const reads: number[] = [];
    const leaves: Wanted["log"]["leaves"] = (range) => {
      reads.push(range.to - range.from);
      return log.reader.leaves(range);
    };
    const pages = exportedPages({ log: { leaves }, from: 0, to: 1_234, format: "jsonl", version: "" });
    await pages.next();
    expect(reads).toEqual([500]);
  });

  test("end with an error where the log lacks an entry, or holds something else", async () => {
    await expect(exported({ from: 1_200, to: 1_300, format: "jsonl" })).rejects.toThrow("lacks entry 1234");
    const leaves = async () => ["{}"];
    await expect(exported({ log: { leaves }, from: 4, to: 5, format: "ocsf" })).rejects.toThrow(
      "entry 4 is no entry",
    );
  });
});

describe("the file", () => {
  const place = () => {
    const folder = mkdtempSync(join(tmpdir(), "twokey-out-"));
    return { folder, path: join(folder, "audit.jsonl") };
  };
  const filled = async (path: string, force: boolean, text = "new\n") => {
    const sink = await outFile(path, force);
    if (!sink.ok) return sink;
    await sink.value.write(text);
    await sink.value.write(text);
    return sink.value.finish();
  };

  test("is its owner's alone, and stands under its name only when it is whole", async () => {
    const { folder, path } = place();
    const sink = await outFile(path, false);
    if (!sink.ok) throw new Error(sink.error);
    await sink.value.write("one\n");
    expect(readdirSync(folder)).not.toContain("audit.jsonl");
    await sink.value.write("two\n");
    expect(await sink.value.finish()).toMatchObject({ ok: true });
    expect(readdirSync(folder)).toEqual(["audit.jsonl"]);
    expect(readFileSync(path, "utf8")).toBe("one\ntwo\n");
    expect((statSync(path).mode & 0o777).toString(8)).toBe("600");
  });

  test("that is there is not replaced unasked, also where it came meanwhile", async () => {
    const { folder, path } = place();
    writeFileSync(path, "old");
    expect(await filled(path, false)).toEqual({
      ok: false,
      error: `${path} is there already; --force replaces it`,
    });
    const other = join(folder, "other.jsonl");
    const sink = await outFile(other, false);
    if (!sink.ok) throw new Error(sink.error);
    writeFileSync(other, "meanwhile");
    expect(await sink.value.finish()).toMatchObject({ ok: false });
    expect([readFileSync(path, "utf8"), readFileSync(other, "utf8")]).toEqual(["old", "meanwhile"]);
    expect(readdirSync(folder).sort()).toEqual(["audit.jsonl", "other.jsonl"]);
  });

  test("is replaced by force, and whoever had it keeps an open file of the old one's bytes only", async () => {
    const { folder, path } = place();
    writeFileSync(path, "old", { mode: 0o644 });
    expect(await filled(path, true)).toMatchObject({ ok: true });
    expect(readFileSync(path, "utf8")).toBe("new\nnew\n");
    expect((statSync(path).mode & 0o777).toString(8)).toBe("600");
    expect(readdirSync(folder)).toEqual(["audit.jsonl"]);
  });

  test("is never a link, a folder or a device, whatever force is used", async () => {
    const { folder, path } = place();
    symlinkSync(join(folder, "elsewhere"), path);
    for (const name of [path, folder, "/dev/null"])
      expect(await outFile(name, true)).toEqual({ ok: false, error: `${name} is not a file` });
  });

  test("that was given up leaves nothing", async () => {
    const { folder, path } = place();
    const sink = await outFile(path, false);
    if (!sink.ok) throw new Error(sink.error);
    await sink.value.write("half");
    await sink.value.abandon();
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe("the command", async () => {
  const folder = join(mkdtempSync(join(tmpdir(), "twokey-audit-")), "data");
  const store = await openAuditLog({ url: null, folder });
  const { index, ...entry } = entryOf("request.refused");
  expect(index).toBeGreaterThan(0);
  for (let n = 0; n < 3; n += 1) await store.append(entry);
  await store.close();
  const twokey = (...argv: string[]) => {
    const args = [BUNDLE, "audit", "export", "--data-dir", folder, ...argv];
    const env = { PATH: process.env["PATH"], NODE_NO_WARNINGS: "1" };
    const { status, stdout, stderr } = spawnSync(process.execPath, args, { env, encoding: "utf8" });
    return { status, stdout, stderr };
  };

  test("writes the texts the store holds", () => {
    const { status, stdout, stderr } = twokey("--from", "1");
    expect([status, stderr]).toEqual([0, ""]);
    const lines = stdout.trim().split("\n");
    expect(lines.map((line) => (JSON.parse(line) as { text: string }).text)).toEqual([
      JSON.stringify(entry),
      JSON.stringify(entry),
    ]);
    const out = join(mkdtempSync(join(tmpdir(), "twokey-out-")), "events.jsonl");
    expect(twokey("--format", "ocsf", "--out", out)).toEqual({
      status: 0,
      stdout: "",
      stderr: `3 entries in ${out}\n`,
    });
    expect(readFileSync(out, "utf8").split("\n")).toHaveLength(4);
    expect(twokey("--to", "4")).toMatchObject({
      status: 1,
      stderr: expect.stringContaining("has 3 entries") as string,
    });
  });

  test.each([
    ["--format", "xml"],
    ["--from", "-1"],
    ["--to", "x"],
  ])("%s %s is wrong usage", async (flag, value) => {
    const told = vi.spyOn(process.stderr, "write").mockReturnValue(true);
    const argv = ["export", flag, value, "--data-dir", folder];
    expect(await runCommand(await auditCommand(argv), argv)).toBe(2);
    expect(told).toHaveBeenCalled();
    told.mockRestore();
  });
});
