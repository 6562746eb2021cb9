/**
 * Server time of the queue and of an escalation's page with 10,000 escalations stored, on the embedded store as in the
 * demo: from the request's arrival at its route to the finished HTML.
 */
import { PAGE_ROUTES } from "../src/http/page-routes.ts";
import { canonicalJson } from "../src/policy/digest.ts";
import { LOGIN, request, startWorld, value, viewerOf, type World } from "../test/escalation/world.ts";

export interface PageRow {
  readonly page: string;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

const STORED = 10_000;
/** Of them; every agent has a few at most. */
const WAITING = 40;

export async function pageRows(runs: number): Promise<readonly PageRow[]> {
  const world = await startWorld();
  try {
    const [{ broker }] = world.replicas;
    const { escalation } = value(await request(broker));
    await fill(world, canonicalJson(escalation.content), escalation.id);
    const viewer = viewerOf(broker, "platform-engineer", { issuer: LOGIN, subject: "platform-engineer" });
    const call = {
      requestId: "req-bench",
      route: "bench",
      unverifiedSession: null,
      stopping: new AbortController().signal,
    };
    const rows: PageRow[] = [];
    for (const path of ["/queue", "/escalations/:id"]) {
      const route = PAGE_ROUTES.find((one) => one.method === "GET" && one.path === path);
      if (route === undefined) throw new Error(`no page ${path}`);
      const asked = {
        call,
        params: { id: escalation.id },
        query: new URLSearchParams(),
        form: new URLSearchParams(),
      };
      const times: number[] = [];
      for (let run = -3; run < runs; run++) {
        const start = performance.now();
        value(await route.page(broker, viewer, asked));
        // The first few warm up what a broker has long warm.
        if (run >= 0) times.push(performance.now() - start);
      }
      times.sort((a, b) => a - b);
      const at = (part: number): number =>
        times[Math.min(times.length - 1, Math.floor(times.length * part))] ?? NaN;
      rows.push({ page: path, p50: at(0.5), p99: at(0.99) });
    }
    return rows;
  } finally {
    await world.close();
  }
}

/** Copies of one real escalation, all finished but the newest, each decided by the viewer. Straight into the tables. */
async function fill(world: World, canonical: string, id: string): Promise<void> {
  await world.query(
    `INSERT INTO escalations (id, kind, agent, template, state, canonical, digest, requested_at, expires_at,
       usable_until, usable_seconds, entry)
     SELECT 'esc-' || n, 'session', 'orders-ci', 'production-stack-change',
       CASE WHEN n >= $1::integer - $2::integer THEN 'pending' ELSE 'denied' END,
       replace($3, $4, 'esc-' || n), md5(n::text) || md5(n::text), now(), now() + interval '1 hour', null, 900, 1000 + n
     FROM generate_series(0, $1::integer - 1) AS n`,
    [STORED, WAITING, canonical, id],
  );
  await world.query(
    `INSERT INTO decisions (escalation, place, person, verdict, at, body)
     SELECT 'esc-' || n, 0, 'platform-engineer', 'deny', now(), $2
     FROM generate_series(0, $1::integer - 1) AS n`,
    [STORED - WAITING, JSON.stringify(DECISION)],
  );
  await world.query(
    `INSERT INTO entries (idx, at, kind, person, escalation, body)
     SELECT 1000 + n, now(), 'escalation.decided', 'platform-engineer', 'esc-' || n,
       '{"kind":"escalation.decided","at":"2030-01-01T00:00:00.000Z","person":"platform-engineer","escalation":"esc-' || n || '","detail":{}}'
     FROM generate_series(0, $1::integer - 1) AS n`,
    [STORED - WAITING],
  );
}

const DECISION = {
  verdict: "deny",
  person: "platform-engineer",
  account: { issuer: LOGIN, subject: "platform-engineer" },
  reason: "not today",
  evidence: {
    kind: "passkey",
    credentialId: "a",
    publicKey: "a",
    nonce: "a",
    origin: "a",
    rpId: "a",
    clientDataJSON: "a",
    authenticatorData: "a",
    signature: "a",
  },
  at: "2030-01-01T00:00:00.000Z",
};
