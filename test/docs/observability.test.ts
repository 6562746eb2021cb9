/** docs/observability.md and the dashboard against what a broker answers: every metric of one is one of the other. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BUNDLE } from "../support/bundle.ts";
import { policyFolder } from "../support/policy-folder.ts";
import { readMetrics } from "../support/prometheus.ts";
import { startStubSts, type StubSts } from "../support/stub-sts.ts";
import { ask, send, startTestBroker } from "../support/test-broker.ts";
import { ROOT } from "./pages.ts";

const page = readFileSync(join(ROOT, "docs/observability.md"), "utf8");
const dashboard = readFileSync(join(ROOT, "docs/grafana-dashboard.json"), "utf8");

let types: ReadonlyMap<string, string>;
beforeAll(async () => {
  const running = await startTestBroker();
  types = readMetrics((await send(running.url, "GET", "/metrics")).text).types;
  await running.close();
});

interface Panel {
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly w: number };
  readonly targets: readonly { readonly expr: string }[];
}

const METRIC = /\b(?:twokey|process|nodejs)_[a-z0-9_]+\b/g;

/** Metrics of a query that no broker has. A histogram is asked by its parts. */
const unknownIn = (query: string): readonly string[] =>
  [...query.matchAll(METRIC)]
    .map(([name]) => name)
    .filter((name) => {
      const whole = name.replace(/_(?:bucket|sum|count)$/, "");
      return !types.has(name) && types.get(whole) !== "histogram";
    });

test("every metric of the dashboard's queries is one the broker has", () => {
  const { panels } = JSON.parse(dashboard) as { readonly panels: readonly Panel[] };
  const queries = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
  expect(queries.length).toBeGreaterThan(15);
  expect(queries.filter((query) => [...query.matchAll(METRIC)].length === 0)).toEqual([]);
  expect(queries.flatMap(unknownIn)).toEqual([]);
  expect(panels.filter(({ gridPos: { x, w } }) => x + w > 24)).toEqual([]);
});

test("the metrics table has every metric of the broker with its type, and no other", () => {
  const rows = [...page.matchAll(/^\| `(twokey_\w+)` \| (\w+) \|/gm)].map(([, name, type]) => [name, type]);
  const own = [...types].filter(([name]) => name.startsWith("twokey_"));
  expect(rows.sort()).toEqual(own.sort());
});

test("every alert asks for metrics the broker has", () => {
  const section = page.slice(page.indexOf("## Alerts"), page.indexOf("## Traces"));
  const alerts = [...section.matchAll(/^\| [^|`]+ \| `([^`]+)` \|/gm)].map(([, query = ""]) => query);
  expect(alerts.length).toBeGreaterThan(10);
  expect(alerts.filter((query) => [...query.matchAll(METRIC)].length === 0)).toEqual([]);
  expect(alerts.flatMap(unknownIn)).toEqual([]);
});

let sts: StubSts;
beforeAll(async () => {
  sts = await startStubSts();
});
afterAll(() => sts.close());

test("the documented command loads the SDK of docs/otel.mjs, whose spans and log lines are one trace", async () => {
  const [, command = ""] = /^```\n(node --import .*)\n```$/m.exec(page) ?? [];
  const { folder, agents } = await policyFolder({ "orders-ci": ["observe"] });
  const [node, ...args] = command
    .replace("dist/cli/main.js", BUNDLE)
    .replace("my-policies", folder)
    .split(" ");
  expect(node).toBe("node");
  const data = join(mkdtempSync(join(tmpdir(), "twokey-otel-")), "data");
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    env: {
      PATH: process.env["PATH"],
      HOME: data,
      NODE_NO_WARNINGS: "1",
      TWOKEY_LISTEN: "127.0.0.1:0",
      TWOKEY_DATA_DIR: data,
      TWOKEY_STS_ENDPOINT: sts.url,
      AWS_ACCESS_KEY_ID: "AKIAEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "example",
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const closed = once(child, "close");
  const log: Readonly<Record<string, unknown>>[] = [];
  let spans = "";
  child.stderr.on("data", (chunk: Buffer) => (spans += chunk.toString()));
  const url = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const told = JSON.parse(line) as Readonly<Record<string, unknown>>;
      log.push(told);
      if (told["msg"] === "broker started") resolve(String(told["url"]));
    });
    void closed.then(() => {
      reject(new Error(spans));
    });
  });
  const agent = agents["orders-ci"];
  if (agent === undefined) throw new Error("no agent");
  expect((await ask({ url, agent })).status).toBe(200);
  child.kill("SIGTERM");
  expect(await closed).toEqual([0, null]);
  const told = spans
    .split("\n")
    .filter((line) => line.startsWith('{"trace_id"'))
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
  const line = log.find(({ route }) => route === "POST /v1/credentials");
  const mint = told.filter(({ trace_id }) => trace_id === line?.["trace_id"]).map(({ name }) => name);
  expect(mint.sort()).toEqual([
    "POST /v1/credentials",
    "record intent",
    "record outcome",
    "sts AssumeRole",
    "verify token",
  ]);
});
