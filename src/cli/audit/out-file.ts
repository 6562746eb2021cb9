/**
 * Where an export goes: standard output, or a file that stands whole under its name or not at all. The file is its
 * owner's alone. Must never overwrite anything unasked, and never anything but a file.
 */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { lstatSync } from "node:fs";
import { link, open, rename, rm } from "node:fs/promises";
import { err, ok, type Result } from "../../result.ts";

export interface Sink {
  /** Resolves when more may be written. */
  write(text: string): Promise<void>;
  /** Puts the file under its name. */
  finish(): Promise<Result<null, string>>;
  /** Leaves nothing behind. */
  abandon(): Promise<void>;
}

export function standardOutput(): Sink {
  let broken: Error | null = null;
  process.stdout.on("error", (error: Error) => {
    broken = error;
  });
  return {
    write: async (text) => {
      if (broken !== null) throw broken;
      if (!process.stdout.write(text)) await once(process.stdout, "drain");
    },
    finish: async () => ok(null),
    abandon: async () => undefined,
  };
}

/** `err`: why the file may not be written, before anything is. */
export async function outFile(path: string, force: boolean): Promise<Result<Sink, string>> {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there !== undefined && !force) return err(`${path} is there already; --force replaces it`);
  if (there !== undefined && !there.isFile()) return err(`${path} is not a file`);
  const beside = `${path}.${randomBytes(6).toString("hex")}.tmp`;
  const file = await open(beside, "wx", 0o600);
  const abandon = async (): Promise<void> => {
    await file.close();
    await rm(beside, { force: true });
  };
  return ok({
    write: async (text) => {
      await file.writeFile(text);
    },
    finish: async () => {
      await file.sync();
      const placed = await place(beside, path, force);
      await abandon();
      return placed;
    },
    abandon,
  });
}

/** A link, unlike a rename, fails where somebody made the file meanwhile. */
async function place(beside: string, path: string, force: boolean): Promise<Result<null, string>> {
  try {
    await (force ? rename(beside, path) : link(beside, path));
    return ok(null);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return err(`${path} is there already by now`);
    throw error;
  }
}
