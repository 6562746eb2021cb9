/** A file system of its own with little room, which can be filled and emptied again. Mounting takes root. */
import { execFileSync } from "node:child_process";
import { chmodSync, closeSync, mkdtempSync, openSync, rmdirSync, unlinkSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface SmallDisk {
  readonly folder: string;
  /** Not a byte is left afterwards. */
  readonly fill: () => void;
  readonly empty: () => void;
  /** Nothing may be open on it. */
  readonly close: () => void;
}

/** Null where this process may not mount. */
export function mountSmallDisk(megabytes: number): SmallDisk | null {
  const folder = mkdtempSync(join(tmpdir(), "twokey-disk-"));
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "tmpfs", folder], { stdio: "pipe" });
  } catch {
    rmdirSync(folder);
    return null;
  }
  chmodSync(folder, 0o755);
  const filler = join(folder, "filler");
  return {
    folder,
    fill: () => {
      const file = openSync(filler, "a");
      for (let size = 1024 * 1024; size >= 1;) {
        try {
          writeSync(file, Buffer.alloc(size));
        } catch (error) {
          if ((error as NodeJS.ErrnoException).code !== "ENOSPC") throw error;
          size = Math.floor(size / 2);
        }
      }
      closeSync(file);
    },
    empty: () => {
      unlinkSync(filler);
    },
    close: () => {
      execFileSync("umount", [folder], { stdio: "pipe" });
      rmdirSync(folder);
    },
  };
}
