/** The watch on the policy folder, on the real file system, and SIGHUP on a real process. */
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createInterface } from "node:readline";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { watchPolicyFolder } from "../../src/adapters/policy-files/watch.ts";
import { policyFolder } from "../support/policy-folder.ts";
import { serveProcess } from "../support/serve-process.ts";
import { FILES, replaceOnce } from "./fixture.ts";

vi.setConfig({ testTimeout: 60_000 });

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "twokey-watch-"));
});
afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function write(folder: string): string {
  for (const [name, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(root, folder, name)), { recursive: true });
    writeFileSync(join(root, folder, name), text);
  }
  return join(root, folder);
}

/** Settles at once, so that nothing here waits for a clock. */
const atOnce = (work: () => void): (() => void) => {
  const immediate = setImmediate(work);
  return () => {
    clearImmediate(immediate);
  };
};

/** Each `act` must be told before the next is done; then the watch is still alive. */
async function toldAfter(folder: string, acts: readonly (() => void)[]): Promise<void> {
  let tell = (): void => undefined;
  const watch = watchPolicyFolder(
    folder,
    atOnce,
  )(() => {
    tell();
  });
  for (const act of acts) {
    const told = new Promise<void>((resolve) => {
      tell = resolve;
    });
    act();
    await told;
  }
  watch.close();
}

test("a file written, added or removed in the folder or its templates is told", async () => {
  const folder = write("policies");
  await toldAfter(folder, [
    () => {
      writeFileSync(join(folder, "people.yaml"), "people: []\n");
    },
    () => {
      writeFileSync(join(folder, "templates", "new.yaml"), "name: new\n");
    },
    () => {
      rmSync(join(folder, "templates", "look.yaml"));
    },
  ]);
});

test("a ConfigMap's swapped link is told, and the next one too", async () => {
  const folder = join(root, "policies");
  write("policies/..1");
  const swap = (to: string): void => {
    symlinkSync(to, join(folder, "..data_tmp"));
    renameSync(join(folder, "..data_tmp"), join(folder, "..data"));
  };
  symlinkSync("..1", join(folder, "..data"));
  for (const name of ["guardrails.yaml", "templates"]) symlinkSync(join("..data", name), join(folder, name));
  const next = (version: number) => () => {
    write(`policies/..${version}`);
    swap(`..${version}`);
    rmSync(join(folder, `..${version - 1}`), { recursive: true });
  };
  await toldAfter(folder, [next(2), next(3), next(4)]);
});

test("a folder that is itself a swapped link, or is renamed into place, is told, and so is what changes in it", async () => {
  write("first");
  write("second");
  write("third");
  const folder = join(root, "policies");
  symlinkSync("first", folder);
  const change = (): void => {
    writeFileSync(join(folder, "templates", "new.yaml"), "name: new\n");
  };
  await toldAfter(folder, [
    () => {
      symlinkSync("second", join(root, "tmp"));
      renameSync(join(root, "tmp"), folder);
    },
    change,
    () => {
      rmSync(folder);
    },
    () => {
      renameSync(join(root, "third"), folder);
    },
    change,
  ]);
});

test("a burst of changes is told once, when it has settled", async () => {
  const folder = write("policies");
  const planned: { readonly work: () => void; readonly ms: number; live: boolean }[] = [];
  let heard = (): void => undefined;
  const schedule = (work: () => void, ms: number) => {
    const plan = { work, ms, live: true };
    planned.push(plan);
    heard();
    return () => {
      plan.live = false;
    };
  };
  let told = 0;
  const watch = watchPolicyFolder(
    folder,
    schedule,
  )(() => {
    told += 1;
  });
  for (const name of ["people.yaml", "agents.yaml", "accounts.yaml"]) {
    const seen = new Promise<void>((resolve) => {
      heard = resolve;
    });
    writeFileSync(join(folder, name), "");
    await seen;
  }
  watch.again();
  const live = planned.filter((plan) => plan.live);
  expect(live).toHaveLength(1);
  expect(live[0]?.ms).toBeGreaterThan(planned[0]?.ms ?? Infinity);
  expect(told).toBe(0);
  live[0]?.work();
  expect(told).toBe(1);
  watch.close();
});

test("SIGHUP reads the folder again, also where the file system tells of nothing", async () => {
  const { folder } = await policyFolder({ "orders-ci": ["observe"] });
  // The broker is given a path through a link above what it watches.
  cpSync(folder, join(root, "one", "policies"), { recursive: true });
  cpSync(folder, join(root, "two", "policies"), { recursive: true });
  const path = join(root, "two", "policies", "templates", "observe.yaml");
  writeFileSync(path, replaceOnce(readFileSync(path, "utf8"), "      - ecs:List*\n", ""));
  symlinkSync("one", join(root, "now"));
  const serving = await serveProcess({
    policies: join(root, "now", "policies"),
    data: join(root, "data"),
    sts: "http://127.0.0.1:9",
  });
  const loaded = new Promise<unknown>((resolve) => {
    createInterface({ input: serving.child.stdout ?? process.stdin }).on("line", (line) => {
      const entry = JSON.parse(line) as { msg?: string; changes?: unknown };
      if (entry.msg === "policy set loaded") resolve(entry.changes);
    });
  });
  symlinkSync("two", join(root, "tmp"));
  renameSync(join(root, "tmp"), join(root, "now"));
  serving.child.kill("SIGHUP");
  expect(await loaded).toEqual([expect.stringMatching(/^lost: template observe: /)]);
  serving.child.kill("SIGTERM");
  expect(await serving.ended).toBe(0);
});
