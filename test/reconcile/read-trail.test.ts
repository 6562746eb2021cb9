/** CloudTrail's files from disk and from standard input, and each way in which one may be spoilt. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { readTrail } from "../../src/adapters/cloudtrail/read-trail.ts";

const folder = mkdtempSync(join(tmpdir(), "twokey-trail-"));
const file = (name: string, content: string | Uint8Array): string => {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
};
const event = (id: string): object => ({
  ...{ eventID: id, eventTime: "2026-03-01T10:00:00Z", eventSource: "s3.amazonaws.com" },
  ...{ eventName: "ListBuckets", requestParameters: { text: "päckchen \u{1F511}" } },
});
const log = (...ids: readonly string[]): string => JSON.stringify({ Records: ids.map(event) });
const lines = (...ids: readonly string[]): string =>
  ids.map((id) => `${JSON.stringify(event(id))}\n`).join("");

/** Ids of the events, and the fault that ended them. */
async function read(files: readonly string[], stdin: readonly Uint8Array[] = []): Promise<readonly string[]> {
  const told: string[] = [];
  for await (const one of readTrail(files, Readable.from(stdin.map((part) => Buffer.from(part)))))
    told.push(one.ok ? one.value.id : `${one.error.place}: ${one.error.message}`);
  return told;
}

test("files are read in their order, each in its own form, standard input among them", async () => {
  const files = [
    file("plain.json", log("1", "2")),
    file("packed.json.gz", gzipSync(log("3"))),
    "-",
    file("lines.jsonl", lines("5", "6")),
    file("lines.jsonl.gz", gzipSync(lines("7", "8"))),
  ];
  expect(await read(files, [gzipSync(log("4"))])).toEqual(["1", "2", "3", "4", "5", "6", "7", "8"]);
});

test("packed files after one another are read like one", async () => {
  const whole = Buffer.concat([gzipSync(log("1")), gzipSync(log("2")), gzipSync(lines("3"))]);
  expect(await read([file("all.gz", whole)])).toEqual(["1", "2", "3"]);
});

test("wherever a stream is cut into parts, even in a character or the first bytes, it is the same", async () => {
  for (const bytes of [Buffer.from(log("1", "2")), gzipSync(log("1", "2"))])
    expect(
      await read(
        ["-"],
        [...bytes].map((byte) => Uint8Array.of(byte)),
      ),
    ).toEqual(["1", "2"]);
});

test("a long file takes the memory of one record: events come before the file is read to its end", async () => {
  let parts = 0;
  async function* endless(): AsyncGenerator<Buffer> {
    for (;;) {
      parts += 1;
      yield Buffer.from(lines(String(parts)));
    }
  }
  const events = readTrail(["-"], endless());
  for (let taken = 0; taken < 5_000; taken += 1) await events.next();
  await events.return(undefined);
  expect(parts).toBeLessThan(5_100);
});

test.each([
  ["that is not there", () => join(folder, "none.json"), /none\.json: there is no such file$/],
  ["that is a folder", () => folder, /: this is a folder: name its files$/],
  ["that is empty", () => file("empty", ""), /empty:1: there is nothing in it$/],
  ["of other text", () => file("text", "\nhello"), /text:2: this is no CloudTrail file/],
  ["cut off", () => file("cut", log("1").slice(0, -9)), /cut:1: the text ends in the middle/],
  [
    "packed and cut off",
    () => file("cut.gz", gzipSync(log("1")).subarray(0, -9)),
    /cut\.gz: the gzip data ends in the middle/,
  ],
  [
    "packed and damaged",
    () => file("bad.gz", Buffer.concat([gzipSync(log("1")), Buffer.from("rubbish")])),
    /bad\.gz: the gzip data is damaged$/,
  ],
  [
    "that is not UTF-8",
    () => file("latin", Buffer.from(lines("1").replace("\u{1F511}", "\u00e4"), "latin1")),
    /latin: the text is not UTF-8$/,
  ],
  [
    "with a record that is not JSON",
    () => file("json", `${lines("1")}{"eventID": nothing}`),
    /json:2: record 2 is not JSON$/,
  ],
  [
    "with a record that is no event",
    () => file("event", `${lines("1")}{}`),
    /event:2: record 2 has no eventID/,
  ],
])("a file %s is told with its place, and ends it all", async (_what, make, message) => {
  const told = await read([make(), file("after.json", log("after"))]);
  expect(told.at(-1)).toMatch(message);
  expect(told).not.toContain("after");
});
