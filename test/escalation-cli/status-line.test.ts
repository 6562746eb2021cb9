import { expect, test } from "vitest";
import type { EscalationAnswer } from "../../src/api.ts";
import { livingLine } from "../../src/cli/escalation/follow.ts";
import { unavailable } from "../../src/client/refusal.ts";
import { fakeEscalations } from "../client/fake-escalations.ts";

/** What a terminal of so many columns is sent, and the line as it then stands. */
function terminal(columns: number) {
  const sent: string[] = [];
  const write = (text: string | Uint8Array): boolean => sent.push(String(text)) > 0;
  return { columns, write, line: () => sent.at(-1)?.replace("\r\u001b[K", "") ?? "" };
}

const pending = (change: Partial<EscalationAnswer> = {}): EscalationAnswer =>
  fakeEscalations().add({ expires_at: "2000-01-01T00:00:00.000Z", ...change });

test("the status line says the code, the approvals and the time left, then what went wrong, and is gone at the end", () => {
  const screen = terminal(120);
  const status = livingLine(screen);
  status.answer(pending({ approvals: 1 }));
  expect(screen.line()).toBe("amber-falcon: 1 of 2 approved, 00:00 left");
  status.trouble(unavailable("broker_silent", "It did not answer."));
  expect(screen.line()).toBe(
    "amber-falcon: 1 of 2 approved, 00:00 left; no answer (broker_silent), trying again",
  );
  status.end();
  expect(screen.line()).toBe("");
});

test.each([
  [20, "amber-falcon: 1 of "],
  [0, "amber-falcon: 1 of 2 approved, 00:00 left"],
])("it never wraps in %d columns", (columns, line) => {
  const screen = terminal(columns);
  const status = livingLine(screen);
  status.answer(pending({ approvals: 1 }));
  expect(screen.line()).toBe(line);
  status.end();
});

test("nothing in the code acts on the terminal", () => {
  const screen = terminal(120);
  const status = livingLine(screen);
  status.answer(pending({ code: "amber\u001b[2J\u202efalcon" }));
  expect(screen.line()).toMatch(/^amber \[2J falcon: /);
  status.end();
});
