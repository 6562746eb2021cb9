/**
 * The port AuditExporter on a folder, such as a mount that takes no changes. A file appears under its name whole and
 * durable, or not at all; it is its owner's alone. Must never open a file that is there for writing.
 */
import { randomBytes } from "node:crypto";
import { link, mkdir, open, readdir, readFile, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { AuditExporter, ExportConflict } from "../../audit/export.ts";
import { err, ok, type Result } from "../../result.ts";
import {
  checkpointName,
  checkpointObject,
  CHECKPOINTS,
  checkpointSize,
  entriesObject,
  type ExportObject,
} from "./objects.ts";

/** `folder`: absolute; made where it is absent. */
export function createFolderExporter(folder: string): AuditExporter {
  return {
    name: folder,
    latest: async () => {
      const sizes = (await filesOf(join(folder, CHECKPOINTS))).flatMap((file) => checkpointSize(file) ?? []);
      if (sizes.length === 0) return null;
      const size = sizes.reduce((largest, next) => Math.max(largest, next));
      return { size, note: await readFile(join(folder, checkpointName(size)), "utf8") };
    },
    put: async (batch) => create(folder, entriesObject(batch)),
    seal: async (checkpoint) => create(folder, checkpointObject(checkpoint)),
  };
}

async function filesOf(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw error;
  }
}

async function create(folder: string, { name, bytes }: ExportObject): Promise<Result<null, ExportConflict>> {
  const path = join(folder, name);
  const made = await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  if (made !== undefined) await syncFolder(folder);
  const fresh = await linkWhole(path, bytes);
  const same = fresh || (await readFile(path)).equals(bytes);
  // Also where another replica made it, which may have died before this.
  await syncFolder(dirname(path));
  return same ? ok(null) : err({ object: path });
}

/** Whether it was not there. A link, unlike a rename, never takes the place of what is. */
async function linkWhole(path: string, bytes: Uint8Array): Promise<boolean> {
  const beside = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    const file = await open(beside, "wx", 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await link(beside, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await rm(beside, { force: true });
  }
}

/** A new name is durable only when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
