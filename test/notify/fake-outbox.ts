/** The outbox's contract in memory, on a clock the test moves: leases, retries, one settlement a claim. */
import type { Delivery, Notice, Outbox } from "../../src/escalation/outbox.ts";

interface Row {
  state: "waiting" | "delivered" | "given_up";
  attempts: number;
  due: number;
  reason: string | null;
  thread: string | null;
}

export interface FakeOutbox extends Outbox {
  readonly add: (notice: Notice) => void;
  readonly pass: (seconds: number) => void;
  readonly row: (channel: string, notice: string) => Readonly<Row> | undefined;
  /** What the next settlement does: the process dies, or the database is gone, before it is written. */
  loseSettlement: boolean;
}

export function fakeOutbox(): FakeOutbox {
  const notices: Notice[] = [];
  const rows = new Map<string, Row>();
  let now = 0;
  const key = (channel: string, notice: string): string => `${channel} ${notice}`;
  const rowOf = (channel: string, notice: string): Row => {
    const fresh: Row = { state: "waiting", attempts: 0, due: 0, reason: null, thread: null };
    const found = rows.get(key(channel, notice)) ?? fresh;
    rows.set(key(channel, notice), found);
    return found;
  };
  const settle = ({ channel, notice }: Delivery): Row => {
    if (outbox.loseSettlement) {
      outbox.loseSettlement = false;
      throw new Error("the database is gone");
    }
    const row = rowOf(channel, notice.id);
    if (row.state !== "waiting" || row.attempts === 0) throw new Error("settled without a claim");
    return row;
  };
  const outbox: FakeOutbox = {
    loseSettlement: false,
    add: (notice) => void notices.push(notice),
    pass: (seconds) => void (now += seconds),
    row: (channel, notice) => rows.get(key(channel, notice)),
    claim: async (channel, limit, leaseSeconds) => {
      const due = notices.filter(({ id }) => {
        const row = rowOf(channel, id);
        return row.state === "waiting" && row.due <= now;
      });
      return due.slice(0, limit).map((notice) => {
        const row = rowOf(channel, notice.id);
        row.attempts += 1;
        row.due = now + leaseSeconds;
        return { notice, channel, attempts: row.attempts, thread: row.thread };
      });
    },
    delivered: async (delivery, thread) => {
      const row = settle(delivery);
      row.state = "delivered";
      row.thread = thread;
    },
    failed: async (delivery, reason, retrySeconds) => {
      const row = settle(delivery);
      row.reason = reason;
      if (retrySeconds === null) row.state = "given_up";
      else row.due = now + retrySeconds;
    },
  };
  return outbox;
}
