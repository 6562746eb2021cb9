/**
 * One process owns a PGlite folder: two would corrupt it. A lock file names the owner; a lock whose owner is dead
 * is taken over. Must never take a lock it cannot prove dead: it refuses and says which file to delete.
 */
import { linkSync, mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join, resolve } from "node:path";

interface Owner {
  readonly pid: number;
  readonly host: string;
  /** When the process started, in the kernel's words; tells a reused pid apart. Null off Linux. */
  readonly started: string | null;
}

/** Takes `folder` or throws. Returns what gives it back. */
export function lockFolder(folder: string): () => void {
  const path = join(resolve(folder), "owner.lock");
  const mine: Owner = { pid: process.pid, host: hostname(), started: startOf(process.pid) };
  if (!create(path, mine)) takeOver(path, mine);
  held.add(path);
  return () => {
    if (held.delete(path)) rmSync(path, { force: true });
  };
}

/** Another process has the folder. */
export class FolderInUseError extends Error {
  override readonly name = "FolderInUseError";
}

/** Locks of this process: its own pid in a lock file it does not hold is left from an earlier life (containers). */
const held = new Set<string>();

/** The file appears whole and only where none was: linked, not written in place, so no reader sees half of it. */
function create(path: string, owner: Owner): boolean {
  const draft = `${path}.${owner.pid}`;
  writeFileSync(draft, JSON.stringify(owner), { mode: 0o600 });
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

/** Under a second lock: otherwise two that saw the same dead owner would each delete the other's new lock. */
function takeOver(path: string, mine: Owner): void {
  const guard = `${path}.takeover`;
  try {
    mkdirSync(guard);
  } catch (error) {
    if (codeOf(error) === "EEXIST") {
      throw new Error(`another process is taking over ${path}; if none is running, remove ${guard}`, {
        cause: error,
      });
    }
    throw error;
  }
  try {
    const owner = read(path);
    if (owner !== null && !isDead(owner, path)) throw new FolderInUseError(refusal(path, owner));
    rmSync(path, { force: true });
    if (!create(path, mine)) throw new Error(`another process took ${path} first`);
  } finally {
    rmdirSync(guard);
  }
}

function refusal(path: string, owner: Owner): string {
  const who = `process ${owner.pid} on ${owner.host}`;
  return `the data folder is in use by ${who}: PGlite serves one process; use PostgreSQL for more (if that process is gone, delete ${path})`;
}

function read(path: string): Owner | null {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return null;
    throw error;
  }
  try {
    return JSON.parse(text) as Owner;
  } catch (error) {
    throw new Error(`${path} is not a lock file of Twokey; delete it if nothing uses the folder`, {
      cause: error,
    });
  }
}

function isDead(owner: Owner, path: string): boolean {
  if (owner.host !== hostname()) return false;
  if (owner.pid === process.pid) return !held.has(path);
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    return codeOf(error) === "ESRCH";
  }
  const started = startOf(owner.pid);
  return started !== null && owner.started !== null && started !== owner.started;
}

/** The 22nd field of /proc/<pid>/stat, counted after the command, which may hold spaces and brackets. */
function startOf(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? null;
  } catch {
    return null;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && "code" in error ? error.code : null;
}
