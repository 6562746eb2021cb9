/**
 * Runs the real `twokey` command, and AWS SDKs, as child processes in an environment of their own:
 * nothing of the person's who runs the tests gets in.
 */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { BUNDLE } from "../support/bundle.ts";
import { CANARY, type FakeBroker } from "./fake-broker.ts";

const ROOT = resolve(import.meta.dirname, "../..");

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface World {
  readonly home: string;
  readonly env: Record<string, string>;
}

/** A home folder, a PATH with a `twokey` on it, and the settings of an agent of `broker`. */
export function world(broker: Pick<FakeBroker, "url">): World {
  const home = mkdtempSync(join(tmpdir(), "twokey-test-"));
  const bin = join(home, "bin");
  mkdirSync(bin);
  writeFileSync(join(bin, "twokey"), `#!/bin/sh\nexec '${process.execPath}' '${BUNDLE}' "$@"\n`);
  chmodSync(join(bin, "twokey"), 0o755);
  return {
    home,
    env: {
      HOME: home,
      PATH: [bin, dirname(process.execPath), process.env["PATH"] ?? ""].join(delimiter),
      TWOKEY_URL: broker.url,
      TWOKEY_TEMPLATE: "observe",
      TWOKEY_INTENT: "observe",
      TWOKEY_TASK: "find out why orders are late",
      TWOKEY_TOKEN: CANARY.workloadToken,
      AWS_EC2_METADATA_DISABLED: "true",
    },
  };
}

export function start(command: string, args: readonly string[], env: Record<string, string>): ChildProcess {
  return spawn(command, args, { env, cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
}

export async function ended(child: ChildProcess): Promise<Ended> {
  const out: string[] = [];
  const errors: string[] = [];
  child.stdout?.on("data", (chunk: Buffer) => out.push(chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => errors.push(chunk.toString()));
  return await new Promise((done, fail) => {
    child.once("error", fail);
    child.once("close", (code) => {
      done({ code, stdout: out.join(""), stderr: errors.join("") });
    });
  });
}

export async function run(
  command: string,
  args: readonly string[],
  env: Record<string, string>,
): Promise<Ended> {
  return await ended(start(command, args, env));
}

/** Starts `twokey agent serve --json` and resolves once it printed where it listens. */
export async function serve(world: World, args: readonly string[] = []): Promise<Served> {
  const child = start("twokey", ["agent", "serve", "--json", ...args], world.env);
  const all = ended(child);
  if (child.stdout === null) throw new Error("no stdout");
  const lines = createInterface({ input: child.stdout });
  const first = await new Promise<string>((resolve, reject) => {
    lines.once("line", resolve);
    all.then((end) => {
      reject(new Error(`agent serve ended: ${end.stderr}`));
    }, reject);
  });
  const shown = JSON.parse(first) as Omit<Served, "child" | "stop">;
  return {
    ...shown,
    child,
    stop: async () => {
      child.kill("SIGTERM");
      return await all;
    },
  };
}

export interface Served {
  readonly url: string;
  readonly token_file: string;
  readonly state_file: string;
  readonly env: Record<string, string>;
  readonly child: ChildProcess;
  /** SIGTERM; resolves with everything it printed. */
  stop(): Promise<Ended>;
}

/** The interpreter itself: a version manager's shim needs the home folder of the person who runs the tests. */
const boto3 = spawnSync("python3", ["-c", "import boto3, sys; print(sys.executable)"], { encoding: "utf8" });
/** Asked of the machine, so that a suite that needs boto3 can be named as skipped. */
export const hasBoto3 = boto3.status === 0;
export const PYTHON = hasBoto3 ? boto3.stdout.trim() : "python3";
