/** The built `twokey`, as people run it, and the tools they point at its demo. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { BUNDLE } from "../support/bundle.ts";

const ROOT = join(import.meta.dirname, "../..");

const here = (command: string, ...args: readonly string[]): boolean =>
  spawnSync(command, args, { stdio: "ignore" }).status === 0;
export const hasAws = here("aws", "--version");

/** A new folder with a home and a `twokey` on the PATH; nothing of the environment of who runs the tests. */
export function newcomer(): { readonly folder: string; readonly env: Record<string, string> } {
  const folder = mkdtempSync(join(tmpdir(), "twokey-demo-"));
  const [home, bin] = [join(folder, "home"), join(folder, "bin")];
  mkdirSync(home);
  mkdirSync(bin);
  const program = join(bin, "twokey");
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${BUNDLE}' "$@"\n`);
  chmodSync(program, 0o755);
  const path = [bin, dirname(process.execPath), process.env["PATH"] ?? ""].join(delimiter);
  return { folder, env: { HOME: home, PATH: path, TWOKEY_LISTEN: "127.0.0.1:0" } };
}

export interface Ended {
  readonly code: number | string | null;
  readonly out: string;
  readonly err: string;
}

export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

interface Place {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
}

export function start(file: string, args: readonly string[], { folder, env }: Place): Running {
  const child = spawn(file, args, { cwd: folder, env, stdio: ["ignore", "pipe", "pipe"] });
  const texts = { out: "", err: "" };
  child.stdout.on("data", (chunk: Buffer) => (texts.out += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (texts.err += chunk.toString()));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      resolve({ code: code ?? signal, ...texts });
    });
  });
  return { child, ended };
}

export interface RunningDemo extends Running {
  /** What it printed until it stood, line by line. */
  readonly said: readonly string[];
}

/** `twokey demo --serve` in the folder, once it has said that it stands. */
export async function serveDemo(place: Place): Promise<RunningDemo> {
  const running = start(process.execPath, [BUNDLE, "demo", "--serve"], place);
  const { stdout } = running.child;
  if (stdout === null) throw new Error("no stdout");
  const said: string[] = [];
  await new Promise<void>((resolve, reject) => {
    createInterface({ input: stdout }).on("line", (line) => {
      said.push(line);
      if (line.startsWith("Ctrl-C")) resolve();
    });
    running.ended.then(({ err }) => {
      reject(new Error(`the demo ended: ${err}`));
    }, reject);
  });
  return { ...running, said };
}

/** A copy of the package whose policies may be spoilt. Answers with its bundle. */
export function packageCopy(): { readonly bundle: string; readonly policies: string } {
  const folder = mkdtempSync(join(tmpdir(), "twokey-package-"));
  for (const part of ["dist", "policies", "package.json"])
    cpSync(join(ROOT, part), join(folder, part), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return { bundle: join(folder, "dist/cli/main.js"), policies: join(folder, "policies") };
}
