import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { loadActionTable } from "../../src/adapters/action-data/load.ts";
import { loadPolicyFolder, untilTwoAgree } from "../../src/adapters/policy-files/load.ts";
import { FILES, shipped } from "./fixture.ts";

const table = loadActionTable();
let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "twokey-policies-"));
});
afterEach(() => rm(root, { recursive: true }));

async function write(folder: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  for (const [name, text] of Object.entries(files)) {
    const path = join(root, folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
  return join(root, folder);
}

async function faultsIn(folder: string): Promise<readonly string[]> {
  const result = await loadPolicyFolder(folder, table);
  return result.ok ? [] : result.error.map(({ file, message }) => `${file}: ${message}`);
}

test("a folder without faults is ready to be served, hidden files and all", async () => {
  const folder = await write("policies", { ...FILES, ".gitignore": "x" });
  const result = await loadPolicyFolder(folder, table);
  expect(result.ok && [...result.value.templates.keys()]).toEqual([
    "change-stack",
    "look",
    "read-change-set",
  ]);
});

test("a Kubernetes ConfigMap, whose files are links inside the folder, is read", async () => {
  const folder = await write("policies/..2026", FILES).then(dirname);
  await symlink("..2026", join(folder, "..data"));
  for (const name of [...Object.keys(FILES).filter((file) => !file.includes("/")), "templates"]) {
    await symlink(join("..data", name), join(folder, name));
  }
  expect(await faultsIn(folder)).toEqual([]);
});

test("a link that leads out of the folder is a fault, and is not read", async () => {
  const { "people.yaml": people = "", ...rest } = FILES;
  await write("elsewhere", {
    "people.yaml": people,
    "templates/look.yaml": FILES["templates/look.yaml"] ?? "",
  });
  const folder = await write("policies", rest);
  await symlink(join(root, "elsewhere", "people.yaml"), join(folder, "people.yaml"));
  expect(await faultsIn(folder)).toEqual(["people.yaml: the link leads out of the policy folder"]);

  await rm(join(folder, "templates"), { recursive: true });
  await symlink(join(root, "elsewhere", "templates"), join(folder, "templates"));
  expect((await faultsIn(folder)).join()).toContain("templates: the link leads out of the policy folder");
});

test("files that are too long, not UTF-8 or no files are faults beside all others", async () => {
  const folder = await write("policies", {
    ...FILES,
    "people.yaml": new Uint8Array([0xff, 0xfe]),
    "accounts.yaml": "#".repeat(600_000),
    "approvals.yaml": "rules: 7",
  });
  await mkdir(join(folder, "more"));
  expect(await faultsIn(folder)).toEqual([
    "accounts.yaml: the file is longer than 524288 bytes",
    "approvals.yaml: `rules` must be a list",
    "more: this is not a file",
    "people.yaml: cannot be read: it is not UTF-8",
    "templates/change-stack.yaml: no rule of approvals.yaml names `change-stack`: nobody could approve it",
  ]);
});

test("a folder that is not there is one fault", async () => {
  expect(await faultsIn(join(root, "none"))).toEqual([".: the folder cannot be read: ENOENT"]);
});

test("a folder of more files than a policy set has is not read", async () => {
  const many = Object.fromEntries(Array.from({ length: 501 }, (_, n) => [`f${n}`, ""]));
  expect(await faultsIn(await write("many", many))).toEqual([".: the folder holds more than 500 files"]);
});

test("the shipped folder loads", async () => {
  const files = Object.fromEntries(shipped().map(({ name, text }) => [name, text]));
  expect(await faultsIn(await write("policies", files))).toEqual([]);
});

test("of a folder that changes while it is read, only a reading that is repeated is taken", async () => {
  const readings = (list: readonly string[]) => {
    let next = 0;
    return async () => list[next++] ?? "later";
  };
  expect(await untilTwoAgree(readings(["old and new", "new", "new"]))).toBe("new");
  expect(await untilTwoAgree(readings(["1", "2", "3", "4", "5"]))).toBeNull();
});
