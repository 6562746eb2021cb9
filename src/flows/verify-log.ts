/**
 * Whether the log is what was signed:
 *
 *   what is known from outside → every entry hashed, in order → every checkpoint on the way → the head → the end
 *
 * and, on the way, whether each entry is found by what it says.
 *
 * Trusts the verifier's keys and the checkpoints that came from elsewhere, and nothing of the record. Only those tell a
 * cut tail or a database that was rolled back: a record that was cut together with its checkpoints agrees with itself.
 * Repairs nothing.
 */
import { openCheckpoint, type Checkpoint, type Verify, type VerifierKey } from "../audit/checkpoint.ts";
import { frontierAt } from "../audit/proof.ts";
import type { KeptCheckpoint, LogReader } from "../audit/reader.ts";
import { append, EMPTY_FRONTIER, leafHash, rootOf, sameHash, type Frontier } from "../audit/tree.ts";

/** Entries `from` to `to` − 1. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

export interface Verifying {
  readonly tree: LogReader;
  /** A key's name is the log's origin. */
  readonly keys: readonly VerifierKey[];
  readonly verify: Verify;
  /** Signed notes kept outside. */
  readonly outside: readonly string[];
  /** Start at the newest of `outside` instead of the beginning: what is before is taken on its word. */
  readonly since: boolean;
  /** Indexes of entries that searches would not find by what they say; null: the log has no columns, or none matter. */
  readonly misfiled: ((range: Range) => Promise<readonly number[]>) | null;
  /** Told how far it is, every page. */
  readonly onProgress: (done: number, size: number) => void;
}

export interface Verification {
  readonly origin: string;
  /** Entries the head says there are. */
  readonly size: number;
  /** First entry that was hashed. */
  readonly from: number;
  readonly root: string;
  readonly checkpoints: number;
  /** Entries no signature covers yet. */
  readonly unsigned: number;
  /** Entries no checkpoint from outside covers; equal to `size` where there was none. */
  readonly uncovered: number;
  /** What is wrong, in words. Empty: nothing. */
  readonly faults: readonly string[];
}

/** Entries read at once: little enough that a page is hashed while it is still in the processor's cache. */
const PAGE = 2_000;
/** Pages on their way while one is hashed: the engine reads one while it hands the other over. */
const AHEAD = 2;
/** A log that is wrong everywhere is told in so many lines. */
const MOST_FAULTS = 20;

export async function verifyLog(verifying: Verifying): Promise<Verification> {
  const { tree } = verifying;
  const [faults, astray] = [few(), few()];
  const tell = faults.tell;
  // Before the head: what was signed by then must be in a log that only grows.
  const kept = await allCheckpoints(tree);
  const { origin, frontier } = await tree.head();
  const { size } = frontier;
  const record = openAll(verifying, { origin, notes: kept, of: "in the record", tell });
  const notes = verifying.outside.map((note) => ({ note, size: null }));
  const outside = openAll(verifying, { origin, notes, of: "kept outside", tell });
  const marks = [...record, ...outside].sort((a, b) => a.size - b.size);
  for (const mark of marks.filter((one) => one.size > size)) {
    tell(
      `the log has ${size} entries, and a checkpoint ${mark.of} says that it had ${mark.size}: its tail was cut, or the database was rolled back`,
    );
  }
  const start = verifying.since ? await startAt(tree, outside, size, tell) : EMPTY_FRONTIER;
  const reached = await walk(verifying, { start, size, marks, tell, tellAstray: astray.tell });
  if (reached !== null && !sameHash(rootOf(reached), rootOf(frontier))) {
    tell(`the head says another tree of ${size} entries than the entries make`);
  }
  // A log that is written to meanwhile has a larger head by then.
  const behind = await tree.leaves({ from: size, to: size + 1 });
  if (behind.length > 0 && (await tree.head()).frontier.size === size) {
    tell(`there is an entry behind the last, at ${size}, that the head does not count`);
  }
  return {
    origin,
    size,
    from: start.size,
    root: Buffer.from(rootOf(frontier)).toString("base64"),
    checkpoints: kept.length,
    unsigned: Math.max(0, size - largest(record)),
    uncovered: Math.max(0, size - largest(outside)),
    // What is no longer what was signed comes first, however much is only filed wrong.
    faults: [...faults.told, ...astray.told],
  };
}

type Tell = (fault: string) => void;

/** As many faults as anybody reads. */
function few(): { readonly told: readonly string[]; readonly tell: Tell } {
  const told: string[] = [];
  return {
    told,
    tell: (fault) => {
      if (told.length < MOST_FAULTS) told.push(fault);
    },
  };
}

/** A checkpoint that somebody signed whose key is known. */
interface Mark extends Checkpoint {
  readonly of: string;
}

const largest = (marks: readonly Mark[]): number => Math.max(0, ...marks.slice(-1).map(({ size }) => size));

async function allCheckpoints(tree: LogReader): Promise<readonly KeptCheckpoint[]> {
  const found: KeptCheckpoint[] = [];
  for (;;) {
    const page = await tree.checkpoints({ after: found.at(-1)?.size ?? -1, limit: 1_000 });
    found.push(...page);
    if (page.length === 0) return found;
  }
}

interface Notes {
  readonly origin: string;
  /** `size`: what the place it was kept in says; null: nothing. */
  readonly notes: readonly { readonly note: string; readonly size: number | null }[];
  readonly of: string;
  readonly tell: Tell;
}

/** Those of this log that a known key signed, smallest first. Any other is a fault. */
function openAll({ keys, verify }: Verifying, { origin, notes, of, tell }: Notes): readonly Mark[] {
  const opened: Mark[] = [];
  for (const { note, size } of notes) {
    const read = openCheckpoint(note, keys, verify);
    if (!read.ok) tell(`a checkpoint ${of} is not valid: ${read.error}`);
    else if (read.value.origin !== origin || (size !== null && size !== read.value.size)) {
      tell(
        `a checkpoint ${of} is of ${read.value.size} entries of ${read.value.origin}, which it is not kept as`,
      );
    } else opened.push({ ...read.value, of });
  }
  return opened.sort((a, b) => a.size - b.size);
}

const notSigned = ({ size, of }: Mark): string =>
  `the first ${size} entries are not those of a checkpoint ${of}`;

/** The frontier at the newest checkpoint from outside; from the beginning where the log does not have it so. */
async function startAt(
  tree: LogReader,
  outside: readonly Mark[],
  size: number,
  tell: Tell,
): Promise<Frontier> {
  const mark = outside.at(-1);
  if (mark === undefined || mark.size > size) return EMPTY_FRONTIER;
  const found = await frontierAt(mark.size, { read: (wanted) => tree.hashes(wanted) });
  if (sameHash(rootOf(found), mark.root)) return found;
  tell(notSigned(mark));
  return EMPTY_FRONTIER;
}

interface Walk {
  readonly start: Frontier;
  readonly size: number;
  readonly marks: readonly Mark[];
  readonly tell: Tell;
  readonly tellAstray: Tell;
}

/** Hashes every entry. Null: some are missing, and what is behind them has no place. */
async function walk(verifying: Verifying, { start, size, marks, tell, tellAstray }: Walk) {
  const due = marks.filter((mark) => mark.size >= start.size);
  let frontier = start;
  let next = 0;
  const hold = (): void => {
    for (; due[next]?.size === frontier.size; next += 1) {
      const mark = due[next];
      if (mark !== undefined && !sameHash(rootOf(frontier), mark.root)) tell(notSigned(mark));
    }
  };
  hold();
  for await (const { from, to, texts, astray } of pagesOf(verifying, start.size, size)) {
    for (const index of astray) tellAstray(`entry ${index} is filed under what it does not say`);
    if (texts.length !== to - from) {
      tell(`of the entries ${from} to ${to - 1} there are ${texts.length}, and not ${to - from}`);
      return null;
    }
    for (const text of texts) {
      frontier = append(frontier, leafHash(text));
      hold();
    }
    verifying.onProgress(frontier.size, size);
  }
  return frontier;
}

interface Page extends Range {
  readonly texts: readonly string[];
  readonly astray: readonly number[];
}

/** In order, as the log has them. */
async function* pagesOf(verifying: Verifying, start: number, size: number): AsyncGenerator<Page> {
  const coming: Promise<Page>[] = [];
  let asked = start;
  const ask = (): void => {
    if (asked === size) return;
    const range = { from: asked, to: Math.min(size, asked + PAGE) };
    const page = readPage(verifying, range);
    // Nobody waits for a page behind one that failed: its own failure must not end the process.
    page.catch(() => undefined);
    coming.push(page);
    asked = range.to;
  };
  for (let n = 0; n < AHEAD; n += 1) ask();
  for (let page = coming.shift(); page !== undefined; page = coming.shift()) {
    const read = await page;
    ask();
    yield read;
  }
}

async function readPage({ tree, misfiled }: Verifying, range: Range): Promise<Page> {
  const [texts, astray] = await Promise.all([tree.leaves(range), misfiled?.(range) ?? []]);
  return { ...range, texts, astray };
}
