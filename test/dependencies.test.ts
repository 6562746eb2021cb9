/** No AGPL code anywhere in the tree of dependencies, and a reason on record for each direct one. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");

interface Lock {
  readonly packages: Readonly<Record<string, { readonly license?: string; readonly link?: boolean }>>;
}

interface Manifest {
  readonly dependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}

/** What may be used and shipped under Apache-2.0 without conditions beyond notice. */
const PERMISSIVE =
  /^(?:\(?(?:MIT|MIT-0|ISC|Apache-2\.0|BSD-2-Clause|BSD-3-Clause|0BSD|BlueOak-1\.0\.0|CC0-1\.0|CC-BY-4\.0|Python-2\.0|Unlicense|MPL-2\.0|PostgreSQL)(?: (?:OR|AND) |\)?$))+/;

test("every installed package states a permissive licence", () => {
  const { packages } = JSON.parse(read("package-lock.json")) as Lock;
  const doubtful = Object.entries(packages)
    .filter(([path]) => path !== "")
    .filter(([, { license }]) => license === undefined || !PERMISSIVE.test(license) || /AGPL/i.test(license))
    .map(([path, { license }]) => `${path}: ${license ?? "none stated"}`);
  expect(doubtful).toEqual([]);
});

test("docs/dependencies.md gives a reason for every direct dependency, and names no other", () => {
  const manifest = JSON.parse(read("package.json")) as Manifest;
  const direct = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.devDependencies)];
  const named = [...read("docs/dependencies.md").matchAll(/`((?:@[a-z0-9-]+\/)?[a-z][a-z0-9-]*)`/g)].map(
    ([, name]) => name,
  );
  expect([...new Set(named)].sort()).toEqual([...direct].sort());
});
