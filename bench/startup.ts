/** Wall time of `twokey credential-process` against a warm `twokey agent serve`, beside a Node that does nothing. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";

export interface StartupFigures {
  /** Milliseconds, median. */
  readonly node: number;
  readonly credentialProcess: number;
}

const MAIN = join(import.meta.dirname, "../dist/cli/main.js");

export async function startupFigures(runs: number): Promise<StartupFigures> {
  const home = mkdtempSync(join(tmpdir(), "twokey-bench-"));
  const demo = spawn(process.execPath, [MAIN, "demo", "--serve"], { cwd: home, stdio: "ignore" });
  try {
    const url = await demoUrl(join(home, ".twokey/demo.env"));
    const settings = ["--url", url, "--template", "observe", "--intent", "observe", "--task", "bench"];
    settings.push("--agent-key", join(home, ".twokey/demo/orders-agent.key.json"));
    const env = { ...process.env, HOME: home };
    const agent = spawn(process.execPath, [MAIN, "agent", "serve", ...settings], { env, cwd: home });
    await once(agent.stdout, "data");
    const time = (argv: readonly string[]): number => {
      const start = performance.now();
      execFileSync(process.execPath, argv, { env, cwd: home });
      return performance.now() - start;
    };
    const times = { node: [] as number[], ours: [] as number[] };
    for (let run = 0; run < runs; run++) {
      times.node.push(time(["-e", "0"]));
      times.ours.push(time([MAIN, "credential-process", ...settings]));
    }
    agent.kill();
    await once(agent, "exit");
    return { node: median(times.node), credentialProcess: median(times.ours) };
  } finally {
    demo.kill();
    await once(demo, "exit");
    rmSync(home, { recursive: true, force: true });
  }
}

/** The demo writes its environment file last, so the file says that all is up. */
async function demoUrl(file: string): Promise<string> {
  for (let tries = 0; tries < 600; tries++) {
    try {
      const url = /TWOKEY_URL='([^']+)'/.exec(readFileSync(file, "utf8"))?.[1];
      if (url !== undefined) return url;
    } catch {
      // Not yet.
    }
    await wait(100);
  }
  throw new Error("the demo did not start");
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 1] ?? NaN;
