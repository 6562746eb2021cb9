/**
 * Whether a broker's memory is flat: `twokey serve`, as it is built, on PostgreSQL, asked for so many sessions a second
 * for so long, with its resident memory read from the kernel.
 */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as wait } from "node:timers/promises";
import { policyFolder } from "../test/support/policy-folder.ts";
import { startPostgres } from "../test/support/postgres.ts";
import { OBSERVE } from "../test/support/test-broker.ts";
import { startOperatorToken } from "./operator.ts";
import { startStub } from "./mint.ts";

export interface SoakFigures {
  readonly minutes: number;
  readonly perSecond: number;
  readonly minted: number;
  readonly failed: number;
  /** Not asked for, because so many were under way: the machine could not take more. */
  readonly skipped: number;
  /** MiB, the median of each tenth of the time, the first tenth left out: it warms up. */
  readonly rss: readonly number[];
}

const ROOT = join(import.meta.dirname, "..");
/** A token serves for half its life. */
const TOKEN_MS = 30_000;
/** What waits has memory too, and is not what is measured. */
const MOST_RUNNING = 256;

export async function soakFigures(
  { minutes, perSecond }: { readonly minutes: number; readonly perSecond: number },
  note: (text: string) => void,
): Promise<SoakFigures> {
  const postgres = await startPostgres();
  if (postgres === null) throw new Error("PostgreSQL is not installed");
  const stub = await startStub();
  const { folder, agents } = await policyFolder({ "orders-ci": ["observe"] });
  const agent = agents["orders-ci"];
  if (agent === undefined) throw new Error("no agent");
  const broker = await serve(folder, postgres.url, stub.endpoint);
  const begin = performance.now();
  const end = begin + minutes * 60_000;
  const samples: number[] = [];
  const counts = { minted: 0, failed: 0, skipped: 0 };
  let token = { at: -Infinity, text: "" };
  let told = begin;
  const running = new Set<Promise<void>>();
  for (let n = 0; performance.now() < end; n += 1) {
    await wait(Math.max(0, begin + (n * 1000) / perSecond - performance.now()));
    if (performance.now() - token.at > TOKEN_MS) token = { at: performance.now(), text: await agent.token() };
    if (n % (perSecond * 5) === 0) samples.push(rssOf(broker.pid));
    if (running.size >= MOST_RUNNING) {
      counts.skipped += 1;
      continue;
    }
    const one = mint(broker.url, token.text).then((done) => {
      counts[done ? "minted" : "failed"] += 1;
      running.delete(one);
    });
    running.add(one);
    if (performance.now() - told > 60_000) {
      told = performance.now();
      note(`${counts.minted} minted, ${running.size} in flight, ${samples.at(-1)?.toFixed(0) ?? "?"} MiB`);
    }
  }
  await Promise.all(running);
  broker.stop();
  await broker.ended;
  await postgres.stop();
  stub.stop();
  return { minutes, perSecond, ...counts, rss: tenths(samples).slice(1) };
}

async function mint(url: string, token: string): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/v1/credentials`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      body: JSON.stringify(OBSERVE),
    });
    await answer.arrayBuffer();
    return answer.status === 200;
  } catch {
    return false;
  }
}

function tenths(samples: readonly number[]): readonly number[] {
  const size = Math.ceil(samples.length / 10);
  return Array.from({ length: 10 }, (_, n) => {
    const part = samples.slice(n * size, (n + 1) * size).sort((a, b) => a - b);
    return part[Math.floor(part.length / 2)] ?? NaN;
  });
}

/** MiB. */
function rssOf(pid: number): number {
  const pages = Number(readFileSync(`/proc/${pid}/statm`, "utf8").split(" ")[1]);
  return (pages * 4096) / 2 ** 20;
}

async function serve(policies: string, database: string, sts: string) {
  const keys = startOperatorToken();
  const child = spawn(process.execPath, [join(ROOT, "dist/cli/main.js"), "serve"], {
    env: {
      PATH: process.env["PATH"],
      NODE_NO_WARNINGS: "1",
      TWOKEY_LISTEN: "127.0.0.1:0",
      TWOKEY_POLICIES: policies,
      TWOKEY_DATABASE_URL: database,
      TWOKEY_AUDIT_KEY_FILE: keys.files.auditKey,
      TWOKEY_STS_ENDPOINT: sts,
      AWS_ACCESS_KEY_ID: "AKIAEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "example",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const url = await new Promise<string>((resolve) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      const { msg, url: at } = JSON.parse(line) as { msg?: string; url?: string };
      if (msg === "broker started" && at !== undefined) resolve(at);
    });
  });
  return { url, pid: child.pid ?? 0, ended, stop: () => child.kill("SIGTERM") };
}
