/** `twokey audit reconcile` as people run it: the built program, on what a demo left. */
import { spawn } from "node:child_process";
import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { beforeAll, describe, expect, test } from "vitest";
import type { StoredEntry } from "../../src/audit/entry.ts";
import type { Reconciliation } from "../../src/audit/reconciliation.ts";
import { openAuditLog } from "../../src/adapters/postgres/audit-log.ts";
import { newcomer, start, type Ended } from "../demo/program.ts";
import { BUNDLE } from "../support/bundle.ts";
import { aSession, CONTEXT } from "../store/records.ts";

const place = newcomer();
const TRAIL = join(place.folder, ".twokey/cloudtrail.json");
const DATA = join(place.folder, ".twokey/demo/data");
const STORE = ["--data-dir", ".twokey/demo/data", "--policies", ".twokey/demo/policies"];

const reconcile = (...words: readonly string[]): Promise<Ended> =>
  start(process.execPath, [BUNDLE, "audit", "reconcile", ...words], place).ended;
const onTrail = (...words: readonly string[]): Promise<Ended> =>
  reconcile("--cloudtrail", TRAIL, ...STORE, ...words);
const file = (name: string, content: string | Uint8Array): string => {
  writeFileSync(join(place.folder, name), content);
  return name;
};

interface Event {
  readonly eventID: string;
  readonly eventName: string;
  readonly userIdentity: { readonly arn: string };
  readonly requestParameters: Readonly<Record<string, unknown>> | null;
}
let records: readonly Event[];
let demo: Ended;

beforeAll(async () => {
  demo = await start(process.execPath, [BUNDLE, "demo", "--once", "--json"], place).ended;
  records = (JSON.parse(readFileSync(TRAIL, "utf8")) as { readonly Records: readonly Event[] }).Records;
}, 120_000);

test("the demo leaves a CloudTrail file that only its user may read, with each session its record has", () => {
  expect(demo).toMatchObject({ code: 0, err: "" });
  expect(statSync(TRAIL).mode & 0o777).toBe(0o600);
  const { audit } = JSON.parse(demo.out) as { readonly audit: readonly StoredEntry[] };
  const issued = audit.filter(({ kind }) => kind === "session.issued").map(({ session }) => session);
  const asked = records
    .filter(
      ({ eventName, userIdentity }) => eventName === "AssumeRole" && userIdentity.arn.includes(":user/"),
    )
    .map(({ requestParameters }) => requestParameters?.["sourceIdentity"]);
  expect(asked).toEqual(issued);
});

test("a clean trail exits 0, and says of each session what it did", async () => {
  const { code, out, err } = await onTrail();
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toContain("✓ No alarm.");
  expect(out).toMatch(/orders-agent \(orders-lead\), production-stack-change, granted by esc-/);
  expect(out).toMatch(/^ +2 cloudformation:DeleteStack \(2 denied\)$/m);
});

test("--json is one document, from a packed file on standard input too", async () => {
  const child = spawn(
    process.execPath,
    [BUNDLE, "audit", "reconcile", "--cloudtrail", "-", ...STORE, "--json"],
    {
      ...{ cwd: place.folder, env: place.env, stdio: ["pipe", "pipe", "inherit"] },
    },
  );
  const texts: string[] = [];
  child.stdout.on("data", (part: Buffer) => texts.push(part.toString()));
  child.stdin.end(gzipSync(readFileSync(TRAIL)));
  const code = await new Promise((resolve) => child.once("close", resolve));
  const found = JSON.parse(texts.join("")) as Reconciliation & { readonly ok: boolean };
  expect({ code, ok: found.ok, read: found.events.read }).toEqual({
    code: 0,
    ok: true,
    read: records.length,
  });
  // observe, staging-deploy, propose-change twice, the broker's own look, and the approved one.
  expect(found.sessions).toHaveLength(6);
});

test("an alarm exits 1, with foreign text shown inert", async () => {
  const [mint] = records;
  const evil = { ...mint?.requestParameters, sourceIdentity: "x\u001b[2J\u202e" };
  const theirs = { ...mint, eventID: "theirs", requestParameters: evil, responseElements: null };
  const { code, out } = await onTrail("--cloudtrail", file("evil.json", JSON.stringify(theirs)));
  expect(code).toBe(1);
  expect(out).toContain("✗ 1 alarm.");
  expect(out).toContain("source identity x\\u{1b}[2J\\u{202e}, and the record has no such session");
  expect(out).not.toMatch(/[\u001b\u202e]/);
});

test.each([
  [
    "a file that is none",
    [file("rubbish.json", '{"Records":[{}]}')],
    /^twokey: rubbish\.json:1: record 1 has no eventID/,
  ],
  ["a file that is not there", ["none.json"], /^twokey: none\.json: there is no such file$/m],
])("%s exits 2 and concludes nothing", async (_what, [name = ""], message) => {
  const { code, out, err } = await onTrail("--cloudtrail", name);
  expect({ code, out }).toEqual({ code: 2, out: "" });
  expect(err).toMatch(message);
  const json = await onTrail("--cloudtrail", name, "--json");
  expect(json.code).toBe(2);
  expect((JSON.parse(json.out) as { error: string[] }).error).toHaveLength(1);
});

test.each([
  ["no file", STORE, /--cloudtrail <file>' not specified/],
  [
    "standard input twice",
    ["--cloudtrail", "-", "--cloudtrail", "-", ...STORE],
    /standard input can be read once/,
  ],
  ["a time that is none", ["--cloudtrail", "-", "--covers", "yesterday"], /is from\/to/],
  [
    "a time that ends before it begins",
    ["--cloudtrail", "-", "--covers", "2026-03-02T00:00Z/2026-03-01T00:00Z"],
    /is from\/to/,
  ],
])("%s is wrong usage", async (_what, words, message) => {
  const { code, err } = await reconcile(...words);
  expect(code).toBe(2);
  expect(err).toMatch(message);
});

test("an empty record is no record: everything would be an alarm", async () => {
  const { code, err } = await reconcile(
    "--cloudtrail",
    TRAIL,
    "--data-dir",
    "none",
    "--policies",
    ".twokey/demo/policies",
  );
  expect(code).toBe(2);
  expect(err).toMatch(/the record is empty/);
});

describe("--settle", () => {
  let session: string;
  beforeAll(async () => {
    const store = await openAuditLog({ url: null, folder: DATA });
    // A broker that died long ago, before it asked STS.
    const requestedAt = new Date("2026-03-01T10:00:00Z");
    const died = aSession({ requestedAt });
    session = died.id;
    await store.recordIntent(died, CONTEXT);
    await store.close();
  });

  /** Somebody's calls in the same account and region, well before and after it. */
  const around = (): string => {
    const call = { eventSource: "s3.amazonaws.com", eventName: "ListBuckets", awsRegion: "us-east-1" };
    const at = (eventTime: string) =>
      JSON.stringify({ ...call, eventID: eventTime, eventTime, recipientAccountId: "111122223333" });
    return file("around.jsonl", `${at("2026-03-01T09:00:00Z")}\n${at("2026-03-01T11:00:00Z")}\n`);
  };
  const words = () => ["--cloudtrail", around(), "--covers", "2026-03-01T00:00:00Z/2026-03-02T00:00:00Z"];
  const ls = async (): Promise<readonly StoredEntry[]> => {
    const args = [BUNDLE, "audit", "ls", "--data-dir", ".twokey/demo/data", "--limit", "500", "--json"];
    const { out } = await start(process.execPath, args, place).ended;
    const entries = out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as StoredEntry);
    return entries.filter(({ kind }) => kind === "session.settled");
  };

  test("without it the settlement is told and not written", async () => {
    const { code, out } = await onTrail(...words());
    expect(code).toBe(0);
    expect(out).toContain(
      `– ${session} (deploy-agent), intent: STS issued nothing: no event of 2026-03-01T00:00:00.000Z/2026-03-02T00:00:00.000Z shows it; not written down`,
    );
    expect(await ls()).toEqual([]);
  });

  test("with it one entry is written, however often it is run", async () => {
    const first = await onTrail(...words(), "--settle");
    expect(first.code).toBe(0);
    const [entry, ...more] = await ls();
    expect(more).toEqual([]);
    expect(entry).toMatchObject({ session, detail: { issued: false, eventId: null, accessKeyId: null } });
    expect(first.out).toContain(`shows it; entry ${entry?.index ?? "?"}`);
    const second = await onTrail(...words(), "--settle");
    expect(second.out).toContain("1 outcome settled before.");
    expect(await ls()).toHaveLength(1);
  });
});
