/**
 * Tells when the policy folder may have changed. Watches names, not contents: what changed, and whether it may be
 * served, is for whoever reads the folder again.
 */
import { watch, type FSWatcher } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";

export interface PolicyWatch {
  /** Tells once more, some seconds from now: what was read could not be taken up yet. */
  readonly again: () => void;
  readonly close: () => void;
}

/** Runs `work` after `ms`; the answer takes it back. */
export type Schedule = (work: () => void, ms: number) => () => void;

/** An editor saves a set in a burst of writes and renames; half of it is rarely what its author means. */
const SETTLE_MS = 250;
const AGAIN_MS = 5_000;

const bySetTimeout: Schedule = (work, ms) => {
  const timer = setTimeout(work, ms).unref();
  return () => {
    clearTimeout(timer);
  };
};

/** `changed` is called once for a burst of changes. */
export const watchPolicyFolder =
  (folder: string, schedule: Schedule = bySetTimeout) =>
  (changed: () => void): PolicyWatch => {
    const root = resolve(folder);
    let cancel: (() => void) | null = null;
    let watchers: readonly FSWatcher[] = [];

    const soon = (ms: number): void => {
      cancel?.();
      cancel = schedule(() => {
        cancel = null;
        // A watcher holds an inode: after a link was swapped, the old one tells of nothing any more.
        arm();
        changed();
      }, ms);
    };
    const arm = (): void => {
      for (const watcher of watchers) watcher.close();
      watchers = [
        watching(root, () => true),
        watching(join(root, "templates"), () => true),
        // The folder may itself be a link that is swapped, or be renamed into place.
        watching(dirname(root), (name) => name === null || name === basename(root)),
      ].filter((watcher) => watcher !== null);
    };
    const watching = (path: string, concerns: (name: string | null) => boolean): FSWatcher | null => {
      try {
        const watcher = watch(path, { persistent: false }, (_event, name) => {
          if (concerns(name)) soon(SETTLE_MS);
        });
        // What is watched was removed: what remains is watched anew after the next change.
        watcher.on("error", () => {
          soon(SETTLE_MS);
        });
        return watcher;
      } catch {
        // Not there now; its parent tells when it comes back.
        return null;
      }
    };

    arm();
    return {
      again: () => {
        soon(AGAIN_MS);
      },
      close: () => {
        cancel?.();
        for (const watcher of watchers) watcher.close();
        watchers = [];
      },
    };
  };
