/** `twokey serve` as a real process, on a stub STS, with the embedded store in a folder. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { BUNDLE } from "./bundle.ts";

const ROOT = join(import.meta.dirname, "../..");

export interface ServeProcess {
  readonly url: string;
  readonly child: ChildProcess;
  /** Exit code or signal, once it ended. */
  readonly ended: Promise<number | string>;
}

export async function serveProcess(options: {
  readonly policies: string;
  readonly data: string;
  readonly sts: string;
}): Promise<ServeProcess> {
  const child = spawn(process.execPath, [BUNDLE, "serve"], {
    cwd: ROOT,
    env: {
      PATH: process.env["PATH"],
      HOME: options.data,
      NODE_NO_WARNINGS: "1",
      TWOKEY_LISTEN: "127.0.0.1:0",
      TWOKEY_POLICIES: options.policies,
      TWOKEY_DATA_DIR: options.data,
      TWOKEY_STS_ENDPOINT: options.sts,
      AWS_ACCESS_KEY_ID: "AKIAEXAMPLE",
      AWS_SECRET_ACCESS_KEY: "example",
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = once(child, "exit").then(([code, signal]) => (code ?? signal) as number | string);
  const lines = createInterface({ input: child.stdout });
  const url = await new Promise<string>((resolve, reject) => {
    lines.on("line", (line) => {
      const { msg, url } = JSON.parse(line) as { msg?: string; url?: string };
      if (msg === "broker started" && url !== undefined) resolve(url);
    });
    void ended.then((code) => {
      reject(new Error(`twokey serve ended with ${code}`));
    });
  });
  return { url, child, ended };
}
