/** `twokey policy …`, as people run it. */
import { spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { join } from "node:path";
import { BUNDLE } from "../support/bundle.ts";

const REPOSITORY = join(import.meta.dirname, "..", "..");

export interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export const twokey = (...words: string[]): Promise<Run> => twokeyOn("", ...words);

/** With something on standard input. */
export async function twokeyOn(input: string, ...words: string[]): Promise<Run> {
  const child = spawn(process.execPath, [BUNDLE, "policy", ...words], { cwd: REPOSITORY });
  const ended = new Promise<number>((resolve) => {
    child.on("close", (code) => {
      resolve(code ?? -1);
    });
  });
  child.stdin.end(input);
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code, out, err };
}
