/**
 * Files only this user may read: the loopback token, the warm agent's state, the env file. Written by rename,
 * so that a link planted at the path is replaced and never followed.
 */
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  type Stats,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { err, ok, type Result } from "../result.ts";

/** A new folder for this process, 0700. */
export function privateFolder(): string {
  return mkdtempSync(join(tmpdir(), "twokey-"));
}

/** Writes `text` exactly, 0600; folders that are missing are made 0700. Answers with a sentence if it may not. */
export function writePrivateFile(path: string, text: string): Result<void, string> {
  const folder = dirname(path);
  const draft = `${path}.${process.pid}.new`;
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (othersMayReplace(statSync(folder)))
      return err(
        `${folder} can be written by other users, who could swap the file. Choose a private folder.`,
      );
    if (!replaceable(path)) return err(`${path} is not a file.`);
    rmSync(draft, { force: true });
    writeFileSync(draft, text, { mode: 0o600, flag: "wx" });
    // A umask can only have taken bits away; put 0600 back in full.
    chmodSync(draft, 0o600);
    renameSync(draft, path);
    return ok(undefined);
  } catch (error) {
    rmSync(draft, { force: true });
    return err(`${path} cannot be written (${codeOf(error)}).`);
  }
}

/** False for a device, folder or socket: renamed over by root, /dev/null would be gone for the whole machine. */
export function replaceable(path: string): boolean {
  const stats = lstatSync(path, { throwIfNoEntry: false });
  return stats === undefined || stats.isFile() || stats.isSymbolicLink();
}

/** The text, or null where there is no such file or somebody else could have written or read it. */
export function readPrivateFile(path: string): string | null {
  try {
    const stats = lstatSync(path);
    const mine = process.getuid === undefined || stats.uid === process.getuid();
    if (!stats.isFile() || !mine || (stats.mode & 0o077) !== 0) return null;
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}

/** Removes the file if it still holds `text`: a newer process may have put its own there. */
export function removeIfUnchanged(path: string, text: string): void {
  if (readPrivateFile(path) === text) rmSync(path, { force: true });
}

/** Group- or world-writable; a sticky folder such as /tmp lets nobody replace another user's file. */
function othersMayReplace(folder: Stats): boolean {
  return (folder.mode & 0o022) !== 0 && (folder.mode & 0o1000) === 0;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "failed";
}
