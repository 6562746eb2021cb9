/**
 * Broker processes that start fast. What dominates a start is loading the code and checking the policy set: the code
 * is one bundled file that a process loads before it is needed, and the harness's policy set is a small one.
 */
import { build } from "esbuild";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { LastWords, Order } from "./broker-program.ts";

const ROOT = join(import.meta.dirname, "../..");

export interface Program {
  /** A process that has loaded its code and waits for its order. */
  readonly spare: () => Spare;
  /** Kills every process that still lives, and takes the bundle away. */
  readonly close: () => Promise<void>;
}

export interface Spare {
  /** Resolves when the broker serves. Rejects with its words where it ends first. */
  readonly start: (order: Order) => Promise<BrokerProcess>;
}

export interface BrokerProcess {
  readonly url: string;
  readonly child: ChildProcess;
  /** Exit code or signal, once it ended and everything it said was read. */
  readonly ended: Promise<number | string>;
  /** Of a process that died at its failpoint. */
  readonly lastWords: () => LastWords | null;
  /** Standard output and standard error so far. */
  readonly output: () => string;
}

export async function bundleBroker(): Promise<Program> {
  // Below the root, where the bundle finds package.json, the pages' files and what stays outside of it.
  const parent = join(ROOT, ".twokey", "faults");
  mkdirSync(parent, { recursive: true });
  const folder = mkdtempSync(join(parent, "bundle-"));
  const outfile = join(folder, "broker.mjs");
  await build({
    entryPoints: [join(import.meta.dirname, "broker-program.ts")],
    outfile,
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20.19",
    external: ["@electric-sql/pglite"],
    banner: {
      js: 'import { createRequire as requireOf } from "node:module"; const require = requireOf(import.meta.url);',
    },
    logLevel: "warning",
  });
  const children = new Set<ChildProcess>();
  return {
    spare: () => spareOf(outfile, children),
    close: async () => {
      const gone = [...children].map((child) => once(child, "close"));
      for (const child of children) child.kill("SIGKILL");
      await Promise.all(gone);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function spareOf(bundle: string, children: Set<ChildProcess>): Spare {
  const child = spawn(process.execPath, [bundle], {
    cwd: ROOT,
    env: { PATH: process.env["PATH"], NODE_NO_WARNINGS: "1" },
    stdio: ["pipe", "pipe", "pipe"],
  });
  children.add(child);
  const said: string[] = [];
  child.stdin.on("error", () => undefined);
  child.stderr.setEncoding("utf8").on("data", (text: string) => said.push(text));
  const ended = once(child, "close").then(([code, signal]) => {
    children.delete(child);
    return (code ?? signal) as number | string;
  });
  let words: LastWords | null = null;
  const url = new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      said.push(`${line}\n`);
      if (line.startsWith('{"died"')) words = JSON.parse(line) as LastWords;
      if (!line.includes('"broker started"')) return;
      resolve((JSON.parse(line) as { readonly url: string }).url);
    });
    void ended.then((how) => {
      reject(new Error(`the broker ended with ${how} before it served: ${said.join("")}`));
    });
  });
  url.catch(() => undefined);
  return {
    start: async (order) => {
      child.stdin.write(`${JSON.stringify(order)}\n`);
      const process = { child, ended, lastWords: () => words, output: () => said.join("") };
      return { url: await url, ...process };
    },
  };
}
