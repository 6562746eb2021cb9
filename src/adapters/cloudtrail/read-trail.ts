/**
 * CloudTrail's files as events: plain or gzip, from disk or standard input, one after the other. Holds one record at a
 * time. Says where a file cannot be read and then ends; repairs and skips nothing, because whatever was left out might be
 * what somebody looks for.
 */
import { createReadStream } from "node:fs";
import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { splitter, type SplitFault, type SplitRecord } from "../../audit/split-records.ts";
import { readTrailEvent, type TrailEvent, type TrailFault } from "../../audit/trail.ts";
import { err, ok, type Result } from "../../result.ts";

type Read = Result<TrailEvent, TrailFault>;

/** `-` among the files is `stdin`. */
export async function* readTrail(
  files: readonly string[],
  stdin: AsyncIterable<Buffer>,
): AsyncGenerator<Read> {
  for (const file of files) {
    const name = file === "-" ? "standard input" : file;
    for await (const read of readFile(name, file === "-" ? stdin : createReadStream(file))) {
      yield read;
      if (!read.ok) return;
    }
  }
}

async function* readFile(name: string, source: AsyncIterable<Buffer>): AsyncGenerator<Read> {
  const cut = splitter();
  const at = ({ line, message }: SplitFault): Read => err({ place: `${name}:${line}`, message });
  try {
    for await (const text of textOf(source)) {
      const records = cut.push(text);
      if (!records.ok) {
        yield at(records.error);
        return;
      }
      for (const record of records.value) yield readRecord(name, record);
    }
  } catch (error) {
    yield err({ place: name, message: unreadable(error) });
    return;
  }
  const end = cut.end();
  if (!end.ok) yield at(end.error);
}

function readRecord(name: string, { text, line, number }: SplitRecord): Read {
  const wrong = (message: string): Read =>
    err({ place: `${name}:${line}`, message: `record ${number} ${message}` });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return wrong("is not JSON");
  }
  const event = readTrailEvent(value);
  return event.ok ? ok(event.value) : wrong(event.error);
}

/** In parts as they come. Throws for bytes that are no UTF-8. */
async function* textOf(source: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for await (const bytes of unpacked(source)) yield decoder.decode(bytes, { stream: true });
  yield decoder.decode();
}

/** What gzip packed, unpacked; several packed files after one another too. */
async function* unpacked(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const chunks = source[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  while (head.length < GZIP.length) {
    const next = await chunks.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
  }
  const whole = resumed(head, chunks);
  if (!head.subarray(0, GZIP.length).equals(GZIP)) {
    yield* whole;
    return;
  }
  // A fault of either reaches the reader through the stream it reads.
  yield* pipeline(Readable.from(whole), createGunzip(), () => undefined) as AsyncIterable<Buffer>;
}

const GZIP = Buffer.from([0x1f, 0x8b]);

async function* resumed(head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield head;
    for (let next = await rest.next(); next.done !== true; next = await rest.next()) yield next.value;
  } finally {
    // Closes the file where its reader had enough.
    await rest.return?.();
  }
}

/** Codes of Node and of zlib; anything else is a bug, and thrown. */
const WORDS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "the file may not be read",
  EISDIR: "this is a folder: name its files",
  Z_BUF_ERROR: "the gzip data ends in the middle: it was cut off",
  Z_DATA_ERROR: "the gzip data is damaged",
  ERR_ENCODING_INVALID_ENCODED_DATA: "the text is not UTF-8",
};

function unreadable(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : null;
  if (code === null) throw error;
  return WORDS[code] ?? `cannot be read: ${code}`;
}
