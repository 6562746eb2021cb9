/** Whatever somebody who owns the database, but not the key, does to a signed log is seen. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { verifyEd25519 } from "../../src/adapters/key-files/key-files.ts";
import { signDue } from "../../src/flows/sign-checkpoint.ts";
import { verifyLog, type Verification } from "../../src/flows/verify-log.ts";
import { readerOf, signedLog, signer, treeOf, type MemoryLog } from "./memory-log.ts";

const ours = signer();
const TEXTS = Array.from({ length: 37 }, (_, n) => JSON.stringify({ kind: "session.issued", n }));
const SIGNED = [5, 12, 13, 30, 37];
const fresh = (): MemoryLog => signedLog(TEXTS, SIGNED, ours);
const OUTSIDE = ours.note(TEXTS);

const check = (log: MemoryLog, more: { outside?: string[]; since?: boolean } = {}): Promise<Verification> =>
  verifyLog({
    tree: readerOf(log),
    keys: [ours.key],
    verify: verifyEd25519,
    outside: more.outside ?? [OUTSIDE],
    since: more.since ?? false,
    misfiled: null,
    onProgress: () => undefined,
  });

type Tamper = (log: MemoryLog, random: (below: number) => number) => void;

const replace = (text: string, at: number, code: number): string =>
  text.slice(0, at) + String.fromCharCode((text.charCodeAt(at) + 1 + (code % 90)) % 128) + text.slice(at + 1);

/** What is done to the entries. */
const CHANGES: Readonly<Record<string, Tamper>> = {
  "a byte edited": ({ texts }, random) => {
    const n = random(texts.length);
    const text = texts[n] ?? "";
    texts[n] = replace(text, random(text.length), random(90));
  },
  "an entry dropped": ({ texts }, random) => void texts.splice(random(texts.length), 1),
  "an entry put in": ({ texts }, random) => void texts.splice(random(texts.length), 0, `{"n":"x"}`),
  "two entries swapped": ({ texts }, random) => {
    const a = random(texts.length);
    const b = (a + 1 + random(texts.length - 1)) % texts.length;
    [texts[a], texts[b]] = [texts[b] ?? "", texts[a] ?? ""];
  },
  "an entry repeated": ({ texts }, random) => {
    const n = random(texts.length);
    texts.splice(n, 0, texts[n] ?? "");
  },
  "the tail cut": (log, random) => {
    log.texts = log.texts.slice(0, random(log.texts.length));
  },
  "one entry in the place of another": ({ texts }, random) => {
    const a = random(texts.length);
    texts[(a + 1 + random(texts.length - 1)) % texts.length] = texts[a] ?? "";
  },
};

/** How it is covered up, without the key. */
const COVERS: Readonly<Record<string, Tamper>> = {
  "not at all": () => undefined,
  "by a new tree": (log) => {
    log.frontier = treeOf(log.texts);
  },
  "by a new tree, without the checkpoints it does not fit": (log) => {
    log.frontier = treeOf(log.texts);
    log.checkpoints = log.checkpoints.filter(({ size }) => {
      const before = TEXTS.slice(0, size).join("\n");
      return log.texts.slice(0, size).join("\n") === before;
    });
  },
  "by a new tree and checkpoints of another key": (log) => {
    const theirs = signer();
    const sizes = SIGNED.filter((size) => size <= log.texts.length);
    Object.assign(log, signedLog(log.texts, sizes, theirs));
  },
  "by a checkpoint of ours under another size": (log, random) => {
    log.frontier = treeOf(log.texts);
    log.checkpoints = log.checkpoints.map((kept) => ({ ...kept, size: kept.size + 1 + random(3) }));
  },
};

test("a log that nobody touched is what was signed", async () => {
  const found = await check(fresh());
  expect(found).toMatchObject({ size: 37, checkpoints: 5, unsigned: 0, uncovered: 0, faults: [] });
  expect(await check(fresh(), { since: true })).toMatchObject({ from: 37, faults: [] });
  const earlier = ours.note(TEXTS.slice(0, 13));
  expect(await check(fresh(), { outside: [earlier], since: true })).toMatchObject({ from: 13, faults: [] });
});

test("10,000 random mutations of a log, however they are covered up, are all seen against a checkpoint kept outside", async () => {
  const counts = new Map<string, number>();
  const names = fc.record({
    change: fc.constantFrom(...Object.keys(CHANGES)),
    cover: fc.constantFrom(...Object.keys(COVERS)),
    seed: fc.infiniteStream(fc.nat(1_000_000)),
  });
  await fc.assert(
    fc.asyncProperty(names, async ({ change, cover, seed }) => {
      const log = fresh();
      const random = (below: number): number => (seed.next().value as number) % Math.max(1, below);
      CHANGES[change]?.(log, random);
      const grown = log.texts.slice(0, TEXTS.length).join("\n") === TEXTS.join("\n");
      COVERS[cover]?.(log, random);
      const { faults, uncovered } = await check(log);
      // What only grew is what was signed, and more: the answer says how much more.
      if (grown) {
        expect(uncovered + faults.length > 0 || log.texts.length === TEXTS.length).toBe(true);
        return;
      }
      counts.set(change, (counts.get(change) ?? 0) + 1);
      if (faults.length === 0) throw new Error(`${change}, covered up ${cover}, was not seen`);
    }),
    { numRuns: 10_400 },
  );
  const seen = [...counts.values()].reduce((sum, count) => sum + count, 0);
  expect(seen).toBeGreaterThanOrEqual(10_000);
  expect([...counts.keys()].sort()).toEqual(Object.keys(CHANGES).sort());
}, 120_000);

const LONG = Array.from({ length: 4_500 }, (_, n) => JSON.stringify({ kind: "session.issued", n }));

test("two entries that are swapped across a page are seen, in whichever order the pages are read", async () => {
  const log = signedLog(LONG, [2_000, 4_500], ours);
  const reader = readerOf(log);
  let first: (() => void) | null = null;
  // The page that was asked for second is there first.
  const leaves: typeof reader.leaves = async (range) => {
    if (range.from === 0) await new Promise<void>((resolve) => (first = resolve));
    else first?.();
    return reader.leaves(range);
  };
  const verifying = {
    tree: { ...reader, leaves },
    keys: [ours.key],
    verify: verifyEd25519,
    outside: [],
    since: false,
    misfiled: null,
    onProgress: () => undefined,
  };
  expect((await verifyLog(verifying)).faults).toEqual([]);
  [log.texts[1_999], log.texts[2_000]] = [log.texts[2_000] ?? "", log.texts[1_999] ?? ""];
  expect((await verifyLog(verifying)).faults).toEqual([
    "the first 2000 entries are not those of a checkpoint in the record",
    "the first 4500 entries are not those of a checkpoint in the record",
    "the head says another tree of 4500 entries than the entries make",
  ]);
});

test("what is filed wrong, on whatever page, is told behind what was changed, and hides none of it", async () => {
  const log = signedLog(LONG, [4_500], ours);
  const found = async (astray: readonly number[]) => {
    const misfiled = async (range: { readonly from: number; readonly to: number }) =>
      astray.filter((index) => index >= range.from && index < range.to);
    const verifying = { keys: [ours.key], verify: verifyEd25519, outside: [], since: false, misfiled };
    return (await verifyLog({ ...verifying, tree: readerOf(log), onProgress: () => undefined })).faults;
  };
  expect(await found([4_200])).toEqual(["entry 4200 is filed under what it does not say"]);
  log.texts[4_000] = "changed";
  expect((await found([...Array(30).keys()])).slice(0, 3)).toEqual([
    "the first 4500 entries are not those of a checkpoint in the record",
    "the head says another tree of 4500 entries than the entries make",
    "entry 0 is filed under what it does not say",
  ]);
});

test("a log that cannot be read is not verified, and the pages that were asked for besides end nothing", async () => {
  const log = signedLog(LONG, [4_500], ours);
  const lost = { ...readerOf(log), leaves: () => Promise.reject(new Error("connection lost")) };
  const verifying = {
    tree: lost,
    keys: [ours.key],
    verify: verifyEd25519,
    outside: [],
    since: false,
    misfiled: null,
  };
  await expect(verifyLog({ ...verifying, onProgress: () => undefined })).rejects.toThrow("connection lost");
});

test("without one, a change of what was signed is seen as long as a checkpoint of it is there", async () => {
  const log = fresh();
  log.texts[3] = `{"n":"changed"}`;
  log.frontier = treeOf(log.texts);
  const { faults } = await check(log, { outside: [] });
  expect(faults).toContain("the first 5 entries are not those of a checkpoint in the record");
});

test("without one, a tail that is cut together with its checkpoints is not seen, and the answer says so", async () => {
  const log = signedLog(TEXTS.slice(0, 13), [5, 12, 13], ours);
  expect(await check(log, { outside: [] })).toMatchObject({ faults: [], size: 13, uncovered: 13 });
  const { faults } = await check(log);
  expect(faults).toEqual([
    "the log has 13 entries, and a checkpoint kept outside says that it had 37: its tail was cut, or the database was rolled back",
  ]);
});

test("a checkpoint from outside that no known key signed is a fault, and never believed", async () => {
  const { faults } = await check(fresh(), { outside: [signer().note(TEXTS)] });
  expect(faults).toEqual(["a checkpoint kept outside is not valid: no known key signed it"]);
});

const signing = (log: MemoryLog) => {
  const kept: number[] = [];
  return {
    kept,
    ports: {
      tree: readerOf(log),
      keep: async (size: number) => void kept.push(size),
      key: { publicKey: ours.key.publicKey, sign: () => Buffer.alloc(64) },
      verify: verifyEd25519,
    },
  };
};

test("the broker signs what grew, and nothing twice", async () => {
  const log = signedLog(TEXTS, [30], ours);
  const { kept, ports } = signing(log);
  const first = await signDue(ports, null);
  expect(first).toMatchObject({ ok: true, value: { size: 37 } });
  if (!first.ok) throw new Error("not signed");
  await signDue(ports, first.value);
  expect(kept).toEqual([37]);
});

test.each<[string, string, (log: MemoryLog) => void]>([
  ["rolled back", "rolled_back", (log) => Object.assign(log, signedLog(TEXTS.slice(0, 20), [5], ours))],
  [
    "rolled back and grown past what was signed",
    "forked",
    (log) => {
      log.texts = [...TEXTS.slice(0, 20), ...Array.from({ length: 30 }, (_, n) => `{"other":${n}}`)];
      log.frontier = treeOf(log.texts);
    },
  ],
])("the broker signs no log that was %s", async (_, reason, change) => {
  const log = fresh();
  const { kept, ports } = signing(log);
  const first = await signDue(ports, null);
  if (!first.ok) throw new Error("not signed");
  change(log);
  expect(await signDue(ports, first.value)).toMatchObject({ ok: false, error: { reason } });
  expect(kept).toEqual([]);
});

test("the broker goes on from no checkpoint that its key did not sign", async () => {
  const log = fresh();
  log.checkpoints = signedLog(TEXTS, [37], signer()).checkpoints;
  expect(await signDue(signing(log).ports, null)).toMatchObject({
    ok: false,
    error: { reason: "not_signed" },
  });
});
