/**
 * Where the harness kills the broker: by name, before and after each durable step and around STS. They stand in
 * decorators of the composition's two seams and in the operator's log, and nowhere in the broker's own code.
 */
import type { Database, Parameter, Queries } from "../../src/adapters/postgres/sql.ts";
import type { AssumeRole } from "../../src/session/assume-role.ts";

/** Each is one transaction under the head's lock. */
const CHANGES = ["request", "decision", "consumption", "give-back"] as const;
type Change = (typeof CHANGES)[number];

export const FAILPOINTS = [
  "intent.write.before",
  "intent.write.after",
  "sts.before",
  "sts.after",
  "outcome.write.before",
  "outcome.write.after",
  "answer.before",
  "change.begin.before",
  "change.begin.after",
  ...CHANGES.flatMap(
    (change) => [`${change}.statement`, `${change}.commit.before`, `${change}.commit.after`] as const,
  ),
] as const;
export type Failpoint = (typeof FAILPOINTS)[number];

/** What a broker process is told to die at. */
export interface Armed {
  readonly point: Failpoint;
  /** How often it passes the point unharmed. */
  readonly pass: number;
  /** For `….statement`: the place in the transaction, counting before and after each statement from 0. */
  readonly place: number;
}

export interface Reached {
  readonly point: Failpoint;
  /** For people: which statement, and whether it was made. */
  readonly at: string;
  /** Of a statement: its place in the transaction. */
  readonly place?: number;
  /** No later place in this transaction. */
  readonly last?: boolean;
}

/** Told at every failpoint; does not return from the armed one. */
export type Reach = (reached: Reached) => void;

/** `die` is called once, at the armed point. */
export function reaching(armed: Armed, die: (reached: Reached) => void): Reach {
  let left = armed.pass;
  return (reached) => {
    if (reached.point !== armed.point) return;
    const { place = null, last = false } = reached;
    // A transaction is passed as a whole.
    if (place === null || place === 0) left -= 1;
    if (left >= 0) return;
    if (place === null || place === armed.place || last) die(reached);
  };
}

export const assumeRoleWith =
  (reach: Reach) =>
  (inner: AssumeRole): AssumeRole =>
  async (request) => {
    reach({ point: "sts.before", at: "before AssumeRole" });
    const answer = await inner(request);
    reach({ point: "sts.after", at: answer.ok ? "after AssumeRole" : "after AssumeRole was refused" });
    return answer;
  };

/** A line of the operator's log stands between the outcome's commit and the answer on the wire. */
export function reachByLog(reach: Reach, line: string): void {
  if (!line.includes('"route":"POST /v1/credentials"') || !line.includes('"status":200')) return;
  reach({ point: "answer.before", at: "before the answer is sent" });
}

export const databaseWith =
  (reach: Reach) =>
  (inner: Database): Database => ({
    ...inner,
    write: async (text, parameters) => {
      const steps = writtenBy(parameters);
      for (const step of steps) reach({ point: `${step}.write.before`, at: `before the ${step}'s write` });
      const rows = await inner.write(text, parameters);
      for (const step of steps) reach({ point: `${step}.write.after`, at: `after the ${step}'s write` });
      return rows;
    },
    transaction: async (run, keep) => {
      reach({ point: "change.begin.before", at: "before BEGIN" });
      const seen = new Transaction(reach);
      const value = await inner.transaction(async (tx) => {
        reach({ point: "change.begin.after", at: "after BEGIN" });
        const done = await run(seen.watching(tx));
        seen.beforeCommit();
        return done;
      }, keep);
      seen.afterCommit();
      return value;
    },
  });

/** Of the statement that writes a group: sessions are its third parameter, outcomes its fourth, as JSON. */
function writtenBy(parameters: readonly Parameter[]): readonly ("intent" | "outcome")[] {
  const holds = (index: number): boolean => String(parameters[index] ?? "[]") !== "[]";
  return [...(holds(2) ? ["intent" as const] : []), ...(holds(3) ? ["outcome" as const] : [])];
}

/** What a transaction changes is known from its statements, and its failpoints begin there. */
class Transaction {
  readonly #reach: Reach;
  #change: Change | null = null;
  #place = 0;

  constructor(reach: Reach) {
    this.#reach = reach;
  }

  watching(tx: Queries): Queries {
    return {
      query: async (text, parameters) => {
        this.#change ??= changeOf(text, parameters);
        this.#statement(`before ${nameOf(text)}`);
        const rows = await tx.query(text, parameters);
        this.#statement(`after ${nameOf(text)}`);
        return rows;
      },
    };
  }

  beforeCommit(): void {
    if (this.#change === null) return;
    this.#statement("after the last statement", true);
    this.#reach({ point: `${this.#change}.commit.before`, at: `before COMMIT of the ${this.#change}` });
  }

  afterCommit(): void {
    if (this.#change === null) return;
    this.#reach({ point: `${this.#change}.commit.after`, at: `after COMMIT of the ${this.#change}` });
  }

  #statement(at: string, last = false): void {
    if (this.#change === null) return;
    this.#reach({ point: `${this.#change}.statement`, at, place: this.#place, last });
    this.#place += 1;
  }
}

function changeOf(text: string, parameters: readonly Parameter[]): Change | null {
  if (/FROM used_tokens/.test(text)) return "request";
  if (/DELETE FROM challenges[^]*'decide'/.test(text)) return "decision";
  if (!/UPDATE escalations SET/.test(text)) return null;
  const state = parameters[1];
  if (state === "consumed") return "consumption";
  return state === "approved" ? "give-back" : null;
}

/** Its verb and table. */
function nameOf(text: string): string {
  if (/^\s*WITH head/.test(text)) return "the entries' write";
  const [, verb, table] =
    /^\s*(INSERT INTO|UPDATE|DELETE FROM|SELECT)\b[^]*?(?:(?<=INSERT INTO |UPDATE |DELETE FROM |FROM )(\w+))/.exec(
      text,
    ) ?? [];
  return `${verb ?? "?"} ${table ?? ""}`.trim();
}
