/**
 * Waits for the decision and shows how it goes on standard error: one line that is kept up to date on a terminal,
 * otherwise a line for each change.
 */
import { setTimeout as pause } from "node:timers/promises";
import type { EscalationAnswer } from "../../api.ts";
import type { BrokerAccess } from "../../client/authenticated-call.ts";
import { lines, type Refusal } from "../../client/refusal.ts";
import { waitForDecision } from "../../client/wait-escalation.ts";
import type { Result } from "../../result.ts";
import { approvals, progress } from "./view.ts";

const REPAINT_MS = 1000;

/** `until` null: as long as the escalation lasts. The error, where there is one, is not told yet. */
export async function follow(
  access: BrokerAccess,
  id: string,
  until: Date | null = null,
): Promise<Result<EscalationAnswer, Refusal>> {
  const status = process.stderr.isTTY ? livingLine(process.stderr) : plainLines(id);
  try {
    return await waitForDecision({
      access,
      id,
      until,
      now: () => new Date(),
      pause: (ms) => pause(ms),
      onAnswer: status.answer,
      onTrouble: status.trouble,
    });
  } finally {
    status.end();
  }
}

interface Status {
  readonly answer: (answer: EscalationAnswer) => void;
  readonly trouble: (refusal: Refusal) => void;
  readonly end: () => void;
}

/** The clock on it runs between two answers as well. Exported for its test. */
export function livingLine(terminal: Pick<NodeJS.WriteStream, "write" | "columns">): Status {
  let paint = (): string => "waiting for the broker";
  const write = (text: string): void => {
    // A line that wraps could not be taken back. Some terminals say that they have no columns.
    const width = terminal.columns > 1 ? terminal.columns - 1 : 79;
    terminal.write(`\r\u001b[K${text.slice(0, width)}`);
  };
  const timer = setInterval(() => {
    write(paint());
  }, REPAINT_MS);
  const show = (text: () => string): void => {
    paint = text;
    write(paint());
  };
  let last: EscalationAnswer | null = null;
  return {
    answer: (answer) => {
      last = answer;
      show(() => progress(answer, new Date()));
    },
    trouble: ({ code }) => {
      const before = last;
      show(
        () =>
          `${before === null ? "" : `${progress(before, new Date())}; `}no answer (${code}), trying again`,
      );
    },
    end: () => {
      clearInterval(timer);
      write("");
    },
  };
}

function plainLines(id: string): Status {
  let told = "";
  const tell = (text: string): void => {
    if (text !== told) process.stderr.write(`${text}\n`);
    told = text;
  };
  return {
    answer: (answer) => {
      if (answer.state === "pending") tell(`twokey: ${id} waits, ${approvals(answer)}`);
    },
    trouble: (refusal) => {
      tell(`${lines({ ...refusal, next: null })} Trying again.`);
    },
    end: () => undefined,
  };
}
