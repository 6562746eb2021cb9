/** What the built `twokey` says of itself: every command's help, found by asking. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { BUNDLE } from "../support/bundle.ts";

const run = promisify(execFile);

export interface Usage {
  readonly text: string;
  /** What follows `Usage: `. */
  readonly usage: string;
  /** What the command above says of it, and what it says of itself. */
  readonly summary: string;
  readonly description: string;
  readonly flags: ReadonlySet<string>;
}

/** By path, such as `agent serve`; the command itself is the empty path. */
export async function commandTree(): Promise<ReadonlyMap<string, Usage>> {
  const tree = new Map<string, Usage>();
  await walk([], "", tree);
  return tree;
}

async function walk(path: readonly string[], summary: string, tree: Map<string, Usage>): Promise<void> {
  const { stdout: text } = await run(process.execPath, [BUNDLE, ...path, "--help"], {
    env: { ...process.env, COLUMNS: "200" },
  });
  const flags = [...text.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map((match) => match[1] ?? "");
  const [, usage = ""] = /^Usage: (.*)$/m.exec(text) ?? [];
  const [, description = ""] = /^Usage: .*\n\n(.*)/.exec(text) ?? [];
  tree.set(path.join(" "), { text, usage, summary, description, flags: new Set(flags) });
  const [, commands = ""] = /^Commands:\n((?: {2}.*\n)*)/m.exec(text) ?? [];
  const below = [...commands.matchAll(/^ {2}([a-z-]+)(?: \S+)*? {2,}(.*)$/gm)];
  await Promise.all(
    below
      .filter(([, name]) => name !== "help")
      .map(([, name = "", says = ""]) => walk([...path, name], says, tree)),
  );
}
