/** The operator's log: each line holds its own fields and no other line's. */
import { expect, test } from "vitest";
import { createLog } from "../../src/wire/log.ts";
import { testConfig } from "../support/test-broker.ts";

test("a line of the log holds nothing of the line before it", () => {
  const lines: string[] = [];
  const log = createLog(testConfig("/policies", "http://127.0.0.1:1"), {
    write: (line) => void lines.push(line),
  });
  log.info({ agent: "orders-ci", url: "http://127.0.0.1:8787" }, "first");
  log.info("second");
  const second = JSON.parse(lines[1] ?? "") as Record<string, unknown>;
  expect(Object.keys(second).sort()).toEqual(["level", "msg", "time"]);
});
