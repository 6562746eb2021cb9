/**
 * Fills a store's tables with many escalations at once, as years of use would: of 50 agents, and all finished but the
 * newest. Straight into the tables, since one by one it would take minutes; so only for what is read, never for what
 * the log promises.
 */
import type pg from "pg";

/** The newest 40 wait, 20 are approved; of every 1,000 others 1 was cancelled, 99 denied, 100 expired, 800 consumed. */
const STATE = `CASE WHEN n >= $1::integer - 40 THEN 'pending' WHEN n >= $1::integer - 60 THEN 'approved'
  WHEN n % 1000 < 1 THEN 'cancelled' WHEN n % 1000 < 100 THEN 'denied' WHEN n % 1000 < 200 THEN 'expired'
  ELSE 'consumed' END`;

/** Each with its request's entry and one decision. The log's head is not moved: nothing may be written afterwards. */
export async function fillStore(client: pg.Client, count: number): Promise<void> {
  await client.query(
    `INSERT INTO escalations (id, kind, agent, template, state, canonical, digest, requested_at, expires_at,
       usable_until, usable_seconds, entry)
     SELECT 'esc-' || n, 'session', 'agent-' || n % 50, 'production-stack-change', ${STATE},
       '{"kind":"session","id":"esc-' || n || '","policy":"' || repeat('p', 1500) || '"}', md5(n::text),
       now(), now() + interval '1 hour', now() + interval '1 hour', 900, n
     FROM generate_series(0, $1::integer - 1) AS n`,
    [count],
  );
  await client.query(
    `INSERT INTO decisions (escalation, place, person, verdict, at, body)
     SELECT 'esc-' || n, 0, 'person-' || n % 20, 'approve', now(),
       '{"verdict":"approve","person":"person-' || n % 20 || '","at":"2030-01-01T00:00:00.000Z"}'
     FROM generate_series(0, $1::integer - 1) AS n`,
    [count],
  );
  await client.query(
    `INSERT INTO entries (idx, at, kind, agent, person, escalation, body)
     SELECT n, now(), CASE n % 2 WHEN 0 THEN 'escalation.requested' ELSE 'escalation.decided' END,
       'agent-' || n % 50, 'person-' || n % 20, 'esc-' || n, '{"detail":{}}'
     FROM generate_series(0, $1::integer - 1) AS n`,
    [count],
  );
  await client.query(
    `INSERT INTO checkpoints (size, note, at) SELECT n + 1, repeat('n', 230), now()
     FROM generate_series(0, $1::integer - 1) AS n`,
    [count],
  );
  await client.query("ANALYZE");
}
