/** Each mistake of mistakes.ts, seeded alone into an account that is as it must be, is told with its fix; nothing else is. */
import { expect, test } from "vitest";
import { err } from "../../src/result.ts";
import { MISTAKES } from "./mistakes.ts";
import { inWords, startWorld } from "./world.ts";

/** A running broker has the record: no session is tried. */
const WITHOUT_SESSIONS = { record: err({ reason: "in_use", message: "the data folder is in use" } as const) };

test("there are fifteen mistakes at the least, and no two of one name", () => {
  expect(new Set(MISTAKES.map(({ name }) => name)).size).toBe(MISTAKES.length);
  expect(MISTAKES.length).toBeGreaterThanOrEqual(15);
});

test.each(MISTAKES)("$name", async ({ seed, faults, says, fix, sessions }) => {
  const world = await startWorld(seed);
  const found = await world.run(sessions === true ? {} : WITHOUT_SESSIONS);
  const wrong = found.filter(({ status }) => status === "fault");
  expect(
    wrong.map(({ id, role }) => [id, role]),
    found.map(inWords).join("\n"),
  ).toEqual(faults);
  expect(wrong[0]?.line).toContain(says);
  expect(wrong[0]?.fix).toContain(fix);
  // What a role that is not as it must be hands out can do nothing.
  for (const mint of world.aws.state.mints())
    expect(mint.policy).toBe(
      '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}',
    );
});
