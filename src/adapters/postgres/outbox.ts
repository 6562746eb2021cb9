/**
 * The port Outbox on PostgreSQL or PGlite: notices were written with what they tell (see under-head.ts); this says
 * which of them a channel has still to deliver. Any number of replicas may claim at once.
 */
import type { Delivery, NoticeKind, Outbox } from "../../escalation/outbox.ts";
import { column } from "./rows.ts";
import type { Database, Row } from "./sql.ts";

// What is due again. The outer condition is looked at once more when another replica's claim was waited for.
const CLAIM_AGAIN = `
  UPDATE deliveries SET attempts = attempts + 1,
    due_at = clock_timestamp() + make_interval(secs => $3::double precision)
  WHERE channel = $1 AND state = 'waiting' AND due_at <= clock_timestamp() AND notice IN (
    SELECT notice FROM deliveries
    WHERE channel = $1 AND state = 'waiting' AND due_at <= clock_timestamp()
    ORDER BY entry LIMIT $2::integer)
  RETURNING notice`;

// What the channel has never claimed. A channel claims in the order of the log and without gaps, so that is all behind
// the last one it claimed. A channel that is new, or was away for long, tells nobody of last year.
const CLAIM_NEW = `
  INSERT INTO deliveries (channel, notice, escalation, state, attempts, due_at, entry)
  SELECT $1::text, n.id, n.escalation, 'waiting', 1,
    clock_timestamp() + make_interval(secs => $3::double precision), n.entry
  FROM notices n
  WHERE n.entry > COALESCE((SELECT max(l.entry) FROM deliveries l WHERE l.channel = $1::text), -1)
    AND n.at > clock_timestamp() - interval '1 day'
  ORDER BY n.entry LIMIT $2::integer
  ON CONFLICT DO NOTHING
  RETURNING notice`;

const CLAIMED = `
  SELECT n.id, n.kind, n.escalation, n.detail, n.at, d.attempts,
    (SELECT f.thread FROM deliveries f
     WHERE f.channel = $1 AND f.escalation = n.escalation AND f.thread IS NOT NULL
     ORDER BY f.entry LIMIT 1) AS thread
  FROM deliveries d JOIN notices n ON n.id = d.notice
  WHERE d.channel = $1 AND d.notice = ANY (ARRAY(SELECT json_array_elements_text($2::text::json)))
  ORDER BY n.entry`;

const DELIVERED = `
  UPDATE deliveries SET state = 'delivered', thread = $3::text, reason = NULL WHERE channel = $1 AND notice = $2`;

// Whoever claimed it after the lease says what became of it.
const FAILED = `
  UPDATE deliveries SET state = CASE WHEN $5::double precision IS NULL THEN 'given_up' ELSE state END, reason = $4,
    due_at = clock_timestamp() + make_interval(secs => COALESCE($5::double precision, 0))
  WHERE channel = $1 AND notice = $2 AND state = 'waiting' AND attempts = $3::integer`;

export function outbox(db: Database): Outbox {
  return {
    claim: async (channel, limit, leaseSeconds) => {
      const again = await db.query(CLAIM_AGAIN, [channel, limit, leaseSeconds]);
      const rest = limit - again.length;
      const fresh = rest > 0 ? await db.query(CLAIM_NEW, [channel, rest, leaseSeconds]) : [];
      const notices = [...again, ...fresh].map((row) => row["notice"]);
      if (notices.length === 0) return [];
      const rows = await db.query(CLAIMED, [channel, JSON.stringify(notices)]);
      return rows.map((row) => deliveryOf(row, channel));
    },
    delivered: async ({ channel, notice }, thread) => {
      await db.query(DELIVERED, [channel, notice.id, column(thread)]);
    },
    failed: async ({ channel, notice, attempts }, reason, retrySeconds) => {
      await db.query(FAILED, [channel, notice.id, attempts, column(reason), retrySeconds]);
    },
  };
}

function deliveryOf(row: Row, channel: string): Delivery {
  return {
    notice: {
      id: row["id"] as string,
      kind: row["kind"] as NoticeKind,
      escalation: row["escalation"] as string | null,
      detail: JSON.parse(row["detail"] as string) as Readonly<Record<string, string>>,
      at: row["at"] as Date,
    },
    channel,
    attempts: Number(row["attempts"]),
    thread: row["thread"] as string | null,
  };
}
