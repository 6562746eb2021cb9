/** `policy check` demands that whoever approves a change set can be shown it. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { loadActionTable } from "../../src/adapters/action-data/load.ts";
import { examinePolicyFolder } from "../../src/adapters/policy-files/load.ts";

const SHIPPED = new URL("../../policies", import.meta.url).pathname;
const table = loadActionTable();

function copy(): string {
  const folder = mkdtempSync(join(tmpdir(), "twokey-policies-"));
  cpSync(SHIPPED, folder, { recursive: true });
  return folder;
}

test("a template that executes change sets needs the one that reads them", async () => {
  const folder = copy();
  rmSync(join(folder, "templates", "read-change-set.yaml"));
  const { faults } = await examinePolicyFolder(folder, table);
  expect(faults).toMatchObject([
    {
      file: "templates/production-stack-change.yaml",
      message: expect.stringContaining("nobody could be shown what they approve") as string,
      fix: "add templates/read-change-set.yaml as Twokey ships it",
    },
  ]);
});

test("no agent is registered under the broker's own name", async () => {
  const folder = copy();
  const file = join(folder, "agents.yaml");
  writeFileSync(file, readFileSync(file, "utf8").replace("name: orders-ci", "name: twokey"));
  const { faults } = await examinePolicyFolder(folder, table);
  expect(faults).toMatchObject([
    {
      file: "agents.yaml",
      message: "`twokey` is Twokey's own name in the record",
      fix: "choose another name",
    },
  ]);
});

test("the shipped set has neither a fault nor a warning", async () => {
  const { faults, warnings } = await examinePolicyFolder(SHIPPED, table);
  expect([faults, warnings]).toEqual([[], []]);
});
