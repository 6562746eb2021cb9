/** Re-checking a finished escalation from its entries alone, and that every lie in them is seen. */
import { randomBytes } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { StoredEntry } from "../../src/audit/entry.ts";
import { verifyCommand } from "../../src/cli/escalation/verify.ts";
import { runCommand } from "../../src/cli/run-command.ts";
import type { Escalation, SessionContent } from "../../src/escalation/escalation.ts";
import { compiledDigest } from "../../src/policy/compiled.ts";
import { ok } from "../../src/result.ts";
import type { Session } from "../../src/session/session.ts";
import { verifyRecord } from "../../src/wire/tools.ts";
import { anEscalation, firstAdministrator, invited, startWorld, type World } from "./world.ts";

let world: World;
let minted: Escalation;
let entries: readonly StoredEntry[];

beforeAll(async () => {
  world = await startWorld();
  const first = await firstAdministrator(world);
  const second = await invited(first, "security-engineer");
  minted = await anEscalation(world);
  for (const person of [first, second]) {
    const reply = await person.post("/v1/decisions", await person.decision(minted, "approve"));
    expect(reply.status).toBe(200);
  }
  await mint(minted);
  entries = await world.broker.audit.entries({ from: 0, limit: 1000 });
});
afterAll(() => world.close());

/** The record of a mint, as the issue path writes it. */
async function mint({ id, content }: Escalation): Promise<void> {
  if (content.kind !== "session") throw new Error("no session");
  const session = sessionOf(content);
  const { audit } = world.broker;
  const grant = { escalation: id, choose: () => ok({ kind: "consumed", session: session.id } as const) };
  const intent = await audit.recordIntent(session, { requestId: "req-1", idempotency: null, grant });
  expect(intent.ok).toBe(true);
  const outcome = {
    state: "issued",
    accessKeyId: "ASIAEXAMPLE",
    assumedRoleArn: session.roleArn,
    expiresAt: new Date(),
    packedPolicySize: null,
  } as const;
  await audit.recordOutcome(session, outcome, { requestId: "req-1", at: new Date() });
}

const sessionOf = (content: SessionContent): Session => ({
  id: `tks-${randomBytes(12).toString("hex")}`,
  agent: content.agent,
  owner: content.owner,
  proof: content.proof,
  template: content.template,
  parameters: content.parameters,
  account: content.account,
  roleArn: content.roleArn,
  roleSessionName: "orders-ci-x",
  task: content.task,
  durationSeconds: content.durationSeconds,
  policyDigest: compiledDigest(content.policy, content.policyArns),
  policyArns: content.policyArns,
  policyVersion: "f".repeat(64),
  escalation: content.id,
  requestedAt: new Date(),
});

/** What does not hold, once `change` had its way with a copy of the entries as a file holds them. */
async function faults(change: (copy: StoredEntry[]) => void): Promise<readonly string[]> {
  const copy = JSON.parse(JSON.stringify(entries)) as StoredEntry[];
  change(copy);
  const findings = await verifyRecord(minted.id, copy);
  return findings.filter(({ holds }) => holds === false).map(({ text }) => text);
}

type Kind = StoredEntry["kind"];
const all = <K extends Kind>(copy: readonly StoredEntry[], kind: K) =>
  copy.filter(
    (entry): entry is Extract<StoredEntry, { kind: K }> =>
      entry.kind === kind && (entry.escalation === minted.id || entry.escalation === null),
  );
function one<K extends Kind>(copy: readonly StoredEntry[], kind: K, place = 0) {
  const found = all(copy, kind)[place];
  if (found === undefined) throw new Error(`no ${kind}`);
  return found as {
    -readonly [P in keyof Extract<StoredEntry, { kind: K }>]: Extract<StoredEntry, { kind: K }>[P];
  };
}
/** Sets a field of something that is read-only to everybody else. */
const set = (target: object, field: string, value: unknown): void =>
  void Object.assign(target, { [field]: value });

describe("a finished escalation", () => {
  test("verifies from its entries alone", async () => {
    expect(await faults(() => undefined)).toEqual([]);
    const findings = await verifyRecord(minted.id, entries);
    expect(findings.length).toBeGreaterThan(15);
    expect(findings.every(({ holds }) => holds === true)).toBe(true);
  });

  test("without the entries of passkeys says what it cannot tell", async () => {
    const findings = await verifyRecord(
      minted.id,
      entries.filter(({ escalation }) => escalation === minted.id),
    );
    expect(new Set(findings.map(({ holds }) => holds))).toEqual(new Set([true, null]));
  });

  test("that is not in the log does not verify", async () => {
    const [finding] = await verifyRecord("esc-aaaaaaaaaaaaaaaaaaaaaaaa", entries);
    expect(finding?.holds).toBe(false);
  });
});

describe("seen as not holding:", () => {
  test.each<[string, (copy: StoredEntry[]) => void, RegExp]>([
    [
      "content that was edited",
      (copy) => {
        const { detail } = one(copy, "escalation.requested");
        set(detail, "content", detail.content.replace("raise the time-out", "raise the time-uut"));
      },
      /digest .* is of the content/,
    ],
    [
      "content with one key twice",
      (copy) => {
        const { detail } = one(copy, "escalation.requested");
        set(detail, "content", detail.content.replace("{", '{"reason":"another",'));
      },
      /canonical JSON/,
    ],
    [
      "a verdict that was turned",
      (copy) => {
        set(one(copy, "escalation.decided").detail.decision, "verdict", "deny");
      },
      /passkey signed deny/,
    ],
    [
      "a decision under another person's name",
      (copy) => {
        set(one(copy, "escalation.decided").detail.decision, "person", "orders-lead");
      },
      /orders-lead's passkey signed/,
    ],
    [
      "a signature with one bit flipped",
      (copy) => {
        const { evidence } = one(copy, "escalation.decided").detail.decision;
        const bytes = Buffer.from(evidence.signature, "base64url");
        bytes.writeUInt8(bytes.readUInt8(20) ^ 1, 20);
        set(evidence, "signature", bytes.toString("base64url"));
      },
      /passkey signed approve/,
    ],
    [
      "another origin",
      (copy) => {
        set(one(copy, "escalation.decided").detail.decision.evidence, "origin", "https://evil.example");
      },
      /passkey signed|one origin/,
    ],
    [
      "one decision counted twice",
      (copy) => {
        const [first, second] = [one(copy, "escalation.decided"), one(copy, "escalation.decided", 1)];
        set(second, "person", first.person);
        set(second.detail, "decision", first.detail.decision);
      },
      /no challenge was used twice/,
    ],
    [
      "a key that was enrolled afterwards",
      (copy) => {
        set(one(copy, "passkey.enrolled"), "index", 999);
      },
      /passkey was enrolled/,
    ],
    [
      "another key than the enrolled one under its id",
      (copy) => {
        set(one(copy, "passkey.enrolled").detail, "publicKey", "pQECAyYgAQ");
      },
      /passkey was enrolled/,
    ],
    [
      "a key that was removed before",
      (copy) => {
        const enrolled = one(copy, "passkey.enrolled");
        const detail = { credentialId: enrolled.detail.credentialId, of: "x" };
        copy.push({ ...enrolled, kind: "passkey.removed", detail, index: enrolled.index + 0.5 });
      },
      /was not removed/,
    ],
    [
      "a key that was not yet to decide",
      (copy) => {
        set(one(copy, "passkey.enrolled").detail, "countsFrom", "2999-01-01T00:00:00Z");
      },
      /decided from a time before/,
    ],
    [
      "somebody who did not count",
      (copy) => {
        set(one(copy, "escalation.decided").detail, "counting", []);
      },
      /approval counted then/,
    ],
    [
      "a decision that is missing",
      (copy) => copy.splice(copy.indexOf(one(copy, "escalation.decided")), 1),
      /of 2 people approved/,
    ],
    [
      "a decision after its time",
      (copy) => {
        set(one(copy, "escalation.decided", 1), "at", "2999-01-01T00:00:00Z");
      },
      /leads from pending to approved: expired/,
    ],
    [
      "states in another order",
      (copy) => {
        set(one(copy, "escalation.changed"), "index", one(copy, "escalation.requested").index + 0.5);
      },
      /leads from pending to consumed/,
    ],
    [
      "a session of another policy",
      (copy) => {
        set(one(copy, "session.intent").detail, "policyDigest", "0".repeat(64));
      },
      /another policy/,
    ],
    [
      "a longer session",
      (copy) => {
        set(one(copy, "session.intent").detail, "durationSeconds", 3600);
      },
      /another duration/,
    ],
    [
      "a second session",
      (copy) => copy.push({ ...one(copy, "session.issued"), index: 998 }),
      /at most one session was issued: 2/,
    ],
  ])("%s", async (_title, change, told) => {
    expect((await faults(change)).join("\n")).toMatch(told);
  });
});

test("the owner's approval is seen, whatever else was made to fit", async () => {
  const other = await faults((copy) => {
    const { detail } = one(copy, "escalation.requested");
    set(detail, "content", detail.content.replace('"owner":"orders-lead"', '"owner":"platform-engineer"'));
  });
  expect(other).toContain("platform-engineer is not the agent's owner");
});

describe("twokey escalation verify", () => {
  async function run(change: (copy: StoredEntry[]) => void, ...flags: string[]) {
    const file = join(mkdtempSync(join(tmpdir(), "twokey-verify-")), "entries.jsonl");
    const copy = JSON.parse(JSON.stringify(entries)) as StoredEntry[];
    change(copy);
    writeFileSync(file, copy.map((entry) => `${JSON.stringify(entry)}\n`).join(""));
    const written: string[] = [];
    const spy = vi
      .spyOn(process.stdout, "write")
      .mockImplementation((text) => written.push(String(text)) > 0);
    process.exitCode = 0;
    await runCommand(verifyCommand(), [minted.id, "--entries", file, ...flags]);
    const code = process.exitCode;
    process.exitCode = 0;
    spy.mockRestore();
    return { code, out: written.join("") };
  }

  test("ends with 0 and a ✓ for each line where everything holds", async () => {
    const { code, out } = await run(() => undefined);
    expect(code).toBe(0);
    expect(
      out
        .trim()
        .split("\n")
        .every((line) => line.startsWith("✓ ")),
    ).toBe(true);
  });

  test("ends with 1 and a ✗ where something does not, in JSON as well", async () => {
    const turn = (copy: StoredEntry[]): void => {
      set(one(copy, "escalation.decided").detail.decision, "verdict", "deny");
    };
    const { code, out } = await run(turn);
    expect([code, /^✗ /m.test(out)]).toEqual([1, true]);
    const json = await run(turn, "--json");
    expect(json.code).toBe(1);
    expect(JSON.parse(json.out)).toMatchObject({ escalation: minted.id, ok: false });
  });
});
