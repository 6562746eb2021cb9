/** An account as it must be gives nothing but ✓. */
import { expect, test } from "vitest";
import { CHECKS } from "../../src/policy/doctor/finding.ts";
import { inWords, startWorld } from "./world.ts";

test("everything as it must be: every check is made, and every finding is good", async () => {
  const world = await startWorld();
  const found = await world.run();
  expect(found.filter(({ status }) => status !== "ok").map(inWords)).toEqual([]);
});
