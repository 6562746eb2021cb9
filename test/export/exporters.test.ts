/** The contract of AuditExporter, on both: a real folder, and an S3 that is called by the real SDK. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { createFolderExporter } from "../../src/adapters/export/folder.ts";
import { createS3Exporter, type S3ExporterOptions } from "../../src/adapters/export/s3.ts";
import type { AuditExporter } from "../../src/audit/export.ts";
import { BUCKET, S3_KEYS, startS3, type S3Server } from "../support/s3-server.ts";

const s3Exporter = (server: S3Server, changes: Partial<S3ExporterOptions> = {}): AuditExporter =>
  createS3Exporter({
    bucket: BUCKET,
    prefix: "prod/",
    retentionDays: 400,
    mode: "compliance",
    clock: () => new Date("2030-01-01T00:00:00Z"),
    region: "eu-west-1",
    endpoint: server.url,
    credentials: S3_KEYS,
    ...changes,
  });

const newFolder = (): string => join(mkdtempSync(join(tmpdir(), "twokey-export-")), "below", "export");

interface Place {
  readonly exporter: AuditExporter;
  /** Every object, by name. */
  readonly objects: () => Readonly<Record<string, string>>;
}

const PLACES: Readonly<Record<string, () => Promise<Place>>> = {
  folder: async () => {
    const folder = newFolder();
    const files = () =>
      readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
        statSync(join(folder, name)).isFile(),
      );
    return {
      exporter: createFolderExporter(folder),
      objects: () =>
        Object.fromEntries(files().map((name) => [name, readFileSync(join(folder, name), "utf8")])),
    };
  },
  bucket: async () => {
    const server = await startS3({ pageSize: 2 });
    return {
      exporter: s3Exporter(server),
      objects: () =>
        Object.fromEntries(
          [...server.objects].map(([key, versions]) => {
            expect(versions.length, `${key} was written over`).toBe(1);
            return [key.replace(/^prod\//, ""), versions[0]?.bytes.toString("utf8") ?? ""];
          }),
        ),
    };
  },
};

describe.each(Object.entries(PLACES))("an export in a %s", (_name, place) => {
  test("is empty at first", async () => {
    expect(await (await place()).exporter.latest()).toBeNull();
  });

  test("holds the exact texts a line each, and the note as it is, under names that sort like numbers", async () => {
    const { exporter, objects } = await place();
    expect(await exporter.put({ from: 998, texts: ['{"a":"é"}', '{"b":"\\n"}'] })).toMatchObject({
      ok: true,
    });
    expect(
      await exporter.seal({ size: 1_000, note: "origin\n1000\nroot\n\n— key signature\n" }),
    ).toMatchObject({
      ok: true,
    });
    expect(objects()).toEqual({
      "entries/000000000000998-000000000001000.jsonl": '{"a":"é"}\n{"b":"\\n"}\n',
      "checkpoints/000000000001000.txt": "origin\n1000\nroot\n\n— key signature\n",
    });
  });

  test("takes the same object again", async () => {
    const { exporter, objects } = await place();
    const batch = { from: 0, texts: ["{}"] };
    await exporter.put(batch);
    await exporter.seal({ size: 1, note: "note" });
    const before = objects();
    expect(await exporter.put(batch)).toMatchObject({ ok: true });
    expect(await exporter.seal({ size: 1, note: "note" })).toMatchObject({ ok: true });
    expect(objects()).toEqual(before);
  });

  test("takes no other object of the same name, names it, and keeps what is there", async () => {
    const { exporter, objects } = await place();
    await exporter.put({ from: 0, texts: ["{}"] });
    await exporter.seal({ size: 1, note: "note" });
    const before = objects();
    const put = await exporter.put({ from: 0, texts: ["[]"] });
    expect(put.ok ? "" : put.error.object).toContain("entries/000000000000000-000000000000001.jsonl");
    const sealed = await exporter.seal({ size: 1, note: "another" });
    expect(sealed.ok ? "" : sealed.error.object).toContain("checkpoints/000000000000001.txt");
    expect(objects()).toEqual(before);
  });

  test("one of two that make the same object at once with other bytes is told so", async () => {
    const { exporter, objects } = await place();
    const answers = await Promise.all(
      ["a", "b", "a"].map((text) => exporter.put({ from: 0, texts: [text] })),
    );
    const kept = objects()["entries/000000000000000-000000000000001.jsonl"];
    expect(answers.map(({ ok }) => ok)).toEqual(["a\n", "b\n", "a\n"].map((text) => text === kept));
  });

  test("knows the checkpoint of the largest size, whatever else lies there", async () => {
    const { exporter } = await place();
    for (const size of [9, 1_000, 999, 20, 100]) await exporter.seal({ size, note: `note ${size}` });
    expect(await exporter.latest()).toEqual({ size: 1_000, note: "note 1000" });
    await exporter.seal({ size: 12_000, note: "note 12000" });
    expect(await exporter.latest()).toEqual({ size: 12_000, note: "note 12000" });
  });

  test("never takes a text that is more than one line", async () => {
    const { exporter } = await place();
    await expect(exporter.put({ from: 0, texts: ["{\n}"] })).rejects.toThrow("line break");
  });
});

describe("in a folder", () => {
  test("everything is its owner's alone, and nothing unfinished is left", async () => {
    const folder = newFolder();
    const exporter = createFolderExporter(folder);
    await exporter.put({ from: 0, texts: ["{}"] });
    await exporter.put({ from: 0, texts: ["{}"] });
    await exporter.put({ from: 0, texts: ["[]"] });
    const mode = (path: string): string => (statSync(join(folder, path)).mode & 0o777).toString(8);
    expect(readdirSync(join(folder, "entries"))).toEqual(["000000000000000-000000000000001.jsonl"]);
    expect(mode("entries/000000000000000-000000000000001.jsonl")).toBe("600");
    expect([mode("."), mode("entries")]).toEqual(["700", "700"]);
  });

  test("files of other names are no checkpoints", async () => {
    const folder = newFolder();
    const exporter = createFolderExporter(folder);
    await exporter.seal({ size: 5, note: "five" });
    for (const name of ["6.txt", ".000000000000009.txt.abc.tmp", "000000000000009.txt~", "x"])
      writeFileSync(join(folder, "checkpoints", name), "");
    expect(await exporter.latest()).toEqual({ size: 5, note: "five" });
  });

  test("a place where no folder can be is an error, and not an empty export", async () => {
    const folder = newFolder();
    mkdirSync(join(folder, ".."), { recursive: true });
    writeFileSync(folder, "");
    const exporter = createFolderExporter(folder);
    await expect(exporter.latest()).rejects.toThrow();
    await expect(exporter.put({ from: 0, texts: ["{}"] })).rejects.toThrow();
  });
});

describe("in a bucket", () => {
  test.each(["compliance", "governance"] as const)(
    "every object is kept for its retention, in %s mode",
    async (mode) => {
      const server = await startS3();
      const exporter = s3Exporter(server, { mode, retentionDays: 365 });
      await exporter.put({ from: 0, texts: ["{}"] });
      await exporter.seal({ size: 1, note: "note" });
      const kept = [...server.objects.values()].flat().map(({ mode, until }) => [mode, until]);
      const until = "2031-01-01T00:00:00Z";
      expect(kept).toEqual([
        [mode.toUpperCase(), until],
        [mode.toUpperCase(), until],
      ]);
    },
  );

  test("a prefix keeps exports apart", async () => {
    const server = await startS3();
    await s3Exporter(server, { prefix: "a/" }).seal({ size: 7, note: "a" });
    expect(await s3Exporter(server, { prefix: "" }).latest()).toBeNull();
    expect(await s3Exporter(server, { prefix: "a/" }).latest()).toEqual({ size: 7, note: "a" });
  });

  test("the newest checkpoint is looked for from the one that is known, and from the start where that is gone", async () => {
    const server = await startS3({ pageSize: 2 });
    const exporter = s3Exporter(server);
    for (const size of [1, 2, 3, 4, 5, 6, 7]) await exporter.seal({ size, note: `note ${size}` });
    const lists = () => server.calls.filter((call) => call === "LIST").length;
    expect(await exporter.latest()).toEqual({ size: 7, note: "note 7" });
    expect(lists()).toBe(4);
    expect(await exporter.latest()).toEqual({ size: 7, note: "note 7" });
    expect(lists()).toBe(5);
    server.objects.delete("prod/checkpoints/000000000000007.txt");
    expect(await exporter.latest()).toEqual({ size: 6, note: "note 6" });
  });

  test.each([
    ["a bucket that is not there", { bucket: "nobodys-bucket" }, "NoSuchBucket"],
    [
      "credentials that are not the broker's",
      { credentials: { ...S3_KEYS, secretAccessKey: "guessed" } },
      "SignatureDoesNotMatch",
    ],
  ])("%s is an error, and not an empty export", async (_what, changes, name) => {
    const server = await startS3();
    const exporter = s3Exporter(server, changes);
    await expect(exporter.latest()).rejects.toMatchObject({ name });
    await expect(exporter.put({ from: 0, texts: ["{}"] })).rejects.toMatchObject({ name });
    expect(server.objects.size).toBe(0);
  });
});
