/** Policy changes take effect while the broker runs: what is served, what is refused, and what is on record. */
import { readFileSync, writeFileSync } from "node:fs";
import { once } from "node:events";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Entry, StoredEntry } from "../../src/audit/log.ts";
import { keepPolicy, type KeepPolicyParts, type PolicyKeeper } from "../../src/flows/keep-policy.ts";
import { loadActionTable } from "../../src/adapters/action-data/load.ts";
import type { KeptSet } from "../../src/policy/activation-store.ts";
import { checkSet } from "../../src/policy/check-set.ts";
import type { ServedPolicy } from "../../src/policy/serve.ts";
import { err, ok } from "../../src/result.ts";
import { ask, OBSERVE, send, startTestBroker, type Reply, type TestBroker } from "../support/test-broker.ts";
import { asFiles, FILES, replaceOnce } from "./fixture.ts";

interface Watched extends TestBroker {
  readonly folder: string;
  /** As the file system would tell; the reload it starts is over when the next `reloadPolicy` is. */
  readonly changed: () => void;
  readonly askedAgain: () => number;
}

async function startWatched(clock?: () => Date): Promise<Watched> {
  let folder = "";
  let changed = (): void => undefined;
  let again = 0;
  const running = await startTestBroker(
    (config) => {
      folder = config.policies;
      return config;
    },
    {
      ...(clock === undefined ? {} : { clock }),
      watchPolicy: (tell) => {
        changed = tell;
        return { again: () => void (again += 1), close: () => undefined };
      },
    },
  );
  // The broker's own first reading again, so that it takes up none of a test's edits.
  await running.broker.reloadPolicy();
  return {
    ...running,
    folder,
    changed: () => {
      changed();
    },
    askedAgain: () => again,
  };
}

function edit(folder: string, file: string, find: string, put: string): void {
  const path = join(folder, file);
  writeFileSync(path, replaceOnce(readFileSync(path, "utf8"), find, put));
}

const sessionOf = (reply: Reply): Readonly<Record<string, unknown>> =>
  reply.json["session"] as Readonly<Record<string, unknown>>;

const entriesOf = async ({ broker }: TestBroker, kind: Entry["kind"]): Promise<readonly StoredEntry[]> =>
  (await broker.audit.entries({ from: 0, limit: 1000 })).filter((entry) => entry.kind === kind);

const TITLE = "title: Look around, anywhere";

test("a changed set is served from the next request on, and recorded with its digest and what changed", async () => {
  const running = await startWatched();
  const before = sessionOf(await ask(running));
  edit(running.folder, "templates/observe.yaml", TITLE, "title: Look around");
  edit(running.folder, "templates/observe.yaml", "      - ecs:List*\n", "");
  running.changed();
  await running.broker.reloadPolicy();

  const after = sessionOf(await ask(running));
  expect(after["policy_version"]).not.toBe(before["policy_version"]);
  expect(after["may"]).toMatch(/^Look around, in account/);
  const loads = await entriesOf(running, "policy.loaded");
  expect(loads.map(({ policyVersion }) => policyVersion)).toEqual([
    before["policy_version"],
    after["policy_version"],
  ]);
  expect(loads[0]?.detail).toMatchObject({ changes: null });
  expect(loads[1]?.detail).toMatchObject({
    digest: after["policy_version"],
    changes: [expect.stringMatching(/^lost: template observe: .*ecs:ListClusters/)],
  });

  const authorization = `Bearer ${await running.agent.token()}`;
  const listed = await send(running.url, "GET", "/v1/sessions", { authorization });
  const sessions = listed.json["sessions"] as { id: string; policy_current: boolean }[];
  expect(sessions.map(({ id, policy_current }) => [id, policy_current])).toEqual([
    [after["id"], true],
    [before["id"], false],
  ]);
  await running.close();
});

test("a set that fails check is not served: the last good one stays, in the log, on record and at /readyz", async () => {
  const running = await startWatched();
  const before = sessionOf(await ask(running))["policy_version"];
  edit(
    running.folder,
    "agents.yaml",
    "name: billing-ci\n    owner: orders-lead",
    "name: billing-ci\n    owner: order-lead",
  );
  edit(running.folder, "templates/observe.yaml", "cloudwatch:GetMetricData", "cloudwatch:GetMetricDate");
  running.changed();
  expect(await running.broker.reloadPolicy()).toMatchObject({ outcome: "refused", again: true });

  expect(sessionOf(await ask(running))["policy_version"]).toBe(before);
  const ready = await send(running.url, "GET", "/readyz");
  expect(ready.status).toBe(200);
  expect(ready.text).toBe("ready\nthe policy folder has faults: the last good set is served, see the log\n");
  const [refused, ...others] = await entriesOf(running, "policy.refused");
  expect(others).toEqual([]);
  expect(refused).toMatchObject({
    policyVersion: before,
    detail: {
      faults: 2,
      lines: [
        expect.stringMatching(/^agents\.yaml:\d+:\d+: owner `order-lead` is not in people\.yaml$/),
        expect.stringMatching(/^templates\/observe\.yaml:\d+:\d+: .*GetMetricDate/),
      ],
    },
  });
  const errors = running.log.filter((line) => line.includes('"level":50'));
  expect(errors).toHaveLength(1);
  expect(errors[0]).toContain("order-lead");
  expect(errors[0]).toContain("did you mean `cloudwatch:GetMetricData`?");

  edit(running.folder, "agents.yaml", "owner: order-lead", "owner: orders-lead");
  edit(running.folder, "templates/observe.yaml", "cloudwatch:GetMetricDate", "cloudwatch:GetMetricData");
  running.changed();
  expect(await running.broker.reloadPolicy()).toEqual({ outcome: "unchanged" });
  expect((await send(running.url, "GET", "/readyz")).text).toBe("ready\n");
  await running.close();
});

test("an agent that a new set no longer knows is refused from then on", async () => {
  const running = await startWatched();
  const { folder, url, other } = running;
  expect((await ask({ url, agent: other })).status).toBe(200);
  const path = join(folder, "agents.yaml");
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.slice(0, text.indexOf("  - name: billing-ci")));
  expect(await running.broker.reloadPolicy()).toMatchObject({ outcome: "served" });
  expect((await ask({ url, agent: other })).status).toBe(401);
  expect((await ask(running)).status).toBe(200);
  await running.close();
});

test("a request in flight finishes on the set it began with", async () => {
  let begun = (): void => undefined;
  const running = await startWatched(() => {
    begun();
    return new Date();
  });
  const before = running.broker.policy().set.digest;
  // Its headers are there and its token is judged, its body is still to come.
  const started = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const headers = {
    authorization: `Bearer ${await running.agent.token()}`,
    "content-type": "application/json",
  };
  const request = httpRequest(`${running.url}/v1/credentials`, { method: "POST", headers, agent: false });
  const answered = once(request, "response") as Promise<[IncomingMessage]>;
  const body = JSON.stringify(OBSERVE);
  request.write(body.slice(0, 10));
  await started;
  edit(running.folder, "templates/observe.yaml", TITLE, "title: Look around");
  expect(await running.broker.reloadPolicy()).toMatchObject({ outcome: "served" });
  request.end(body.slice(10));

  const [response] = await answered;
  const chunks = (await response.toArray()) as Buffer[];
  const { session } = JSON.parse(Buffer.concat(chunks).toString()) as { session: Record<string, unknown> };
  expect(session["policy_version"]).toBe(before);
  expect(session["may"]).toMatch(/^Look around, anywhere/);
  const outcome = await entriesOf(running, "session.issued");
  expect(outcome.map(({ policyVersion }) => policyVersion)).toEqual([before]);
  await running.close();
});

function served(files: Readonly<Record<string, string>>): ServedPolicy {
  const checked = checkSet(asFiles(files), loadActionTable());
  if (!checked.ok) throw new Error(JSON.stringify(checked.error));
  return checked.value;
}

const OLD = served(FILES);
const NEW = served({
  ...FILES,
  "templates/look.yaml": replaceOnce(FILES["templates/look.yaml"] ?? "", "Look around", "Look"),
});
const FAULT = { file: "agents.yaml", line: 1, column: 1, message: "wrong", fix: null };

/** What is in force as one broker alone has it; nothing of it takes two keys here. */
function inMemory(): KeepPolicyParts["activations"] {
  const sets: (KeptSet & { readonly escalation: string | null })[] = [];
  return {
    active: async () => {
      const last = sets.at(-1);
      return last === undefined ? null : { ...last, generation: sets.length };
    },
    activate: async (set, from) => (from ?? 0) === sets.length && sets.push(set) > 0,
    keep: async () => undefined,
    kept: async (digest) => sets.find((set) => set.digest === digest) ?? null,
  };
}

const unasked = async (): Promise<never> => {
  throw new Error("nobody is to be asked");
};

async function keeper(parts: Partial<KeepPolicyParts>): Promise<PolicyKeeper> {
  const kept = await keepPolicy(OLD, {
    read: async () => ok(NEW),
    changes: () => [],
    audit: { append: async () => ({ entry: 1 }) },
    activations: inMemory(),
    escalations: { request: unasked, change: unasked, find: unasked, list: async () => [] },
    humans: { memberships: unasked, passkeys: unasked },
    clock: () => new Date("2030-01-01T00:00:00Z"),
    ...parts,
  });
  if (!kept.ok) throw new Error(kept.error.join());
  return kept.value;
}

test("a load that cannot be recorded is not served, and is served once it can be", async () => {
  let broken = false;
  const append = async () => {
    if (broken) throw new Error("disk full");
    return { entry: 1 };
  };
  const kept = await keeper({ audit: { append } });
  broken = true;
  expect(await kept.reload()).toMatchObject({ outcome: "not_recorded" });
  expect(kept.current()).toBe(OLD);
  broken = false;
  expect(await kept.reload()).toMatchObject({ outcome: "served", digest: NEW.set.digest });
  expect(kept.current()).toBe(NEW);
});

test("a refusal that could not be recorded is recorded at the next reading, and then not again", async () => {
  const written: string[] = [];
  let broken = false;
  const append = async ({ kind }: Entry) => {
    if (broken) throw new Error("disk full");
    written.push(kind);
    return { entry: 1 };
  };
  const kept = await keeper({ read: async () => err([FAULT]), audit: { append } });
  broken = true;
  expect((await kept.reload()).outcome).toBe("not_recorded");
  expect(kept.refused()).toEqual([FAULT]);
  broken = false;
  expect(await kept.reload()).toMatchObject({ outcome: "refused", again: false });
  expect(await kept.reload()).toMatchObject({ outcome: "refused", again: true });
  expect(written).toEqual(["policy.loaded", "policy.refused"]);
});

test("an entry holds the first twenty faults and the number of the rest", async () => {
  const details: unknown[] = [];
  const append = async ({ detail }: Entry) => {
    details.push(detail);
    return { entry: 1 };
  };
  const faults = Array.from({ length: 23 }, (_, n) => ({ ...FAULT, line: n + 1, message: "x".repeat(2000) }));
  await (await keeper({ read: async () => err(faults), audit: { append } })).reload();
  const [, { faults: count, lines }] = details as [unknown, { faults: number; lines: string[] }];
  expect(count).toBe(23);
  expect(lines).toHaveLength(21);
  expect(lines.at(-1)).toBe("and 3 more");
  expect(Math.max(...lines.map(({ length }) => length))).toBe(300);
});

test("reloads run one after another: the set read last is the one served", async () => {
  const answers = [NEW, OLD].map((policy) => {
    let give = (): void => undefined;
    const read = new Promise<ServedPolicy>((resolve) => {
      give = () => {
        resolve(policy);
      };
    });
    return { read, give };
  });
  let asked = 0;
  const kept = await keeper({
    read: async () => ok(await (answers[asked++]?.read ?? Promise.reject(new Error("third")))),
  });
  const both = [kept.reload(), kept.reload()];
  answers[1]?.give();
  answers[0]?.give();
  expect((await Promise.all(both)).map(({ outcome }) => outcome)).toEqual(["served", "served"]);
  expect(kept.current()).toBe(OLD);
});

test("the broker asks again when a load could not be recorded", async () => {
  const running = await startWatched();
  edit(running.folder, "templates/observe.yaml", TITLE, "title: Look around");
  await running.broker.audit.close();
  expect(await running.broker.reloadPolicy()).toMatchObject({ outcome: "not_recorded" });
  expect(running.askedAgain()).toBe(1);
  expect(running.broker.policy().templates.get("observe")?.template.title).toBe("Look around, anywhere");
  await running.broker.close().catch(() => undefined);
  await running.sts.close();
});
