/**
 * The schema, as an ordered list of migrations: one table. Stays inside what Aurora DSQL runs: no foreign keys, triggers,
 * sequences or json columns, one DDL statement a transaction. Every statement may run again, because a crash or a second
 * replica can stand between any two of them. Never edit a released migration.
 */

export interface Migration {
  readonly id: number;
  readonly statements: readonly string[];
}

export const MIGRATIONS: readonly Migration[] = [
  {
    id: 1,
    statements: [
      // `entry` is the index of the session's intent: its whole record, and an order that no clock can disturb.
      `CREATE TABLE IF NOT EXISTS sessions (
        id text PRIMARY KEY,
        agent text NOT NULL,
        owner text NOT NULL,
        template text NOT NULL,
        account text NOT NULL,
        state text NOT NULL,
        requested_at timestamptz NOT NULL,
        expires_at timestamptz,
        access_key_id text,
        policy_version text NOT NULL,
        escalation text,
        entry bigint NOT NULL
      )`,
      `CREATE INDEX IF NOT EXISTS sessions_by_entry ON sessions (entry)`,
      `CREATE INDEX IF NOT EXISTS sessions_by_agent ON sessions (agent, entry)`,
      // The key is text an agent chose, of any length and characters: its SHA-256 stands for it.
      `CREATE TABLE IF NOT EXISTS idempotency (
        agent text NOT NULL,
        key_digest text NOT NULL,
        body_digest text NOT NULL,
        session text NOT NULL,
        created_at timestamptz NOT NULL,
        PRIMARY KEY (agent, key_digest)
      )`,
      // `body` is the whole entry; the other columns are for searching and may hold less exact text.
      `CREATE TABLE IF NOT EXISTS entries (
        idx bigint PRIMARY KEY,
        at timestamptz NOT NULL,
        kind text NOT NULL,
        agent text,
        owner text,
        session text,
        request_id text,
        policy_version text,
        body text NOT NULL
      )`,
      `CREATE TABLE IF NOT EXISTS log_head (id integer PRIMARY KEY, size bigint NOT NULL)`,
      `INSERT INTO log_head (id, size) VALUES (1, 0) ON CONFLICT DO NOTHING`,
    ],
  },
  {
    id: 2,
    statements: [
      `ALTER TABLE entries ADD COLUMN IF NOT EXISTS person text`,
      `ALTER TABLE entries ADD COLUMN IF NOT EXISTS escalation text`,
      `CREATE INDEX IF NOT EXISTS entries_by_escalation ON entries (escalation, idx)`,
      `CREATE INDEX IF NOT EXISTS entries_by_session ON entries (session, idx)`,
      `CREATE INDEX IF NOT EXISTS entries_by_agent ON entries (agent, idx)`,
      `CREATE INDEX IF NOT EXISTS entries_by_person ON entries (person, idx)`,
      `CREATE INDEX IF NOT EXISTS entries_by_kind ON entries (kind, idx)`,
      `ALTER TABLE sessions ADD COLUMN IF NOT EXISTS frozen_at timestamptz`,
      // `entry` is the index of the request's entry: an order that no clock can disturb. `agent` and `template` are
      // null for a policy set. `open` holds the join key while the escalation waits, null afterwards.
      `CREATE TABLE IF NOT EXISTS escalations (
        id text PRIMARY KEY,
        kind text NOT NULL,
        agent text,
        template text,
        state text NOT NULL,
        canonical text NOT NULL,
        digest text NOT NULL,
        open text,
        requested_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        usable_until timestamptz,
        usable_seconds integer NOT NULL,
        closed_at timestamptz,
        denied_at timestamptz,
        session text,
        entry bigint NOT NULL
      )`,
      // None by `entry` alone: whoever wants a page of a rare state would be led through all the others.
      `CREATE INDEX IF NOT EXISTS escalations_by_state ON escalations (state, entry)`,
      `CREATE INDEX IF NOT EXISTS escalations_by_agent_state ON escalations (agent, state, entry)`,
      `CREATE INDEX IF NOT EXISTS escalations_by_denial ON escalations (agent, template, denied_at)`,
      `CREATE UNIQUE INDEX IF NOT EXISTS escalations_open ON escalations (open)`,
      // `body` is the whole decision as JSON; `place` counts from 0.
      `CREATE TABLE IF NOT EXISTS decisions (
        escalation text NOT NULL,
        place integer NOT NULL,
        person text NOT NULL,
        verdict text NOT NULL,
        at timestamptz NOT NULL,
        body text NOT NULL,
        PRIMARY KEY (escalation, place)
      )`,
      `CREATE INDEX IF NOT EXISTS decisions_by_person ON decisions (person, at)`,
      `CREATE TABLE IF NOT EXISTS escalation_keys (
        agent text NOT NULL,
        key_digest text NOT NULL,
        body_digest text NOT NULL,
        escalation text NOT NULL,
        PRIMARY KEY (agent, key_digest)
      )`,
      `CREATE TABLE IF NOT EXISTS used_tokens (
        token_digest text PRIMARY KEY,
        agent text NOT NULL,
        key_digest text,
        body_digest text NOT NULL,
        escalation text NOT NULL,
        expires_at timestamptz NOT NULL
      )`,
      `CREATE TABLE IF NOT EXISTS passkeys (
        credential_id text PRIMARY KEY,
        public_key text NOT NULL,
        account_issuer text NOT NULL,
        account_subject text NOT NULL,
        person text NOT NULL,
        label text NOT NULL,
        counter bigint NOT NULL,
        transports text NOT NULL,
        enrolled_at timestamptz NOT NULL,
        counts_from timestamptz NOT NULL,
        removed_at timestamptz
      )`,
      `CREATE INDEX IF NOT EXISTS passkeys_by_person ON passkeys (person)`,
      `CREATE TABLE IF NOT EXISTS sign_ins (
        token_digest text PRIMARY KEY,
        account_issuer text NOT NULL,
        account_subject text NOT NULL,
        method text NOT NULL,
        groups text,
        signed_in_at timestamptz NOT NULL,
        expires_at timestamptz NOT NULL,
        revoked_at timestamptz
      )`,
      `CREATE INDEX IF NOT EXISTS sign_ins_by_account ON sign_ins (account_issuer, account_subject, signed_in_at)`,
      // The bootstrap token is the row without a person.
      `CREATE TABLE IF NOT EXISTS invitations (
        token_digest text PRIMARY KEY,
        person text,
        invited_by text,
        expires_at timestamptz NOT NULL,
        spent_at timestamptz
      )`,
      `CREATE TABLE IF NOT EXISTS challenges (
        nonce text PRIMARY KEY,
        purpose text NOT NULL,
        person text,
        subject text,
        expires_at timestamptz NOT NULL
      )`,
      `CREATE TABLE IF NOT EXISTS logins (
        state_digest text PRIMARY KEY,
        login text NOT NULL,
        expires_at timestamptz NOT NULL
      )`,
      `CREATE TABLE IF NOT EXISTS notices (
        id text PRIMARY KEY,
        kind text NOT NULL,
        escalation text,
        detail text NOT NULL,
        at timestamptz NOT NULL,
        entry bigint NOT NULL
      )`,
      `CREATE INDEX IF NOT EXISTS notices_by_entry ON notices (entry)`,
      // A row appears when a channel first claims a notice, in the order of `entry`, which is the notice's.
      `CREATE TABLE IF NOT EXISTS deliveries (
        channel text NOT NULL,
        notice text NOT NULL,
        escalation text,
        state text NOT NULL,
        attempts integer NOT NULL,
        due_at timestamptz NOT NULL,
        thread text,
        reason text,
        entry bigint NOT NULL,
        PRIMARY KEY (channel, notice)
      )`,
      `CREATE INDEX IF NOT EXISTS deliveries_by_escalation ON deliveries (channel, escalation)`,
      `CREATE INDEX IF NOT EXISTS deliveries_by_entry ON deliveries (channel, entry)`,
      `CREATE INDEX IF NOT EXISTS deliveries_by_state ON deliveries (channel, state, due_at)`,
      `CREATE TABLE IF NOT EXISTS policy_sets (digest text PRIMARY KEY, files text NOT NULL, kept_at timestamptz NOT NULL)`,
      `CREATE TABLE IF NOT EXISTS policy_active (id integer PRIMARY KEY, digest text NOT NULL, escalation text)`,
    ],
  },
  {
    id: 3,
    statements: [
      // The Merkle tree's frontier at `size`; see audit/tree.ts. Null: entries older than the tree are not in it yet.
      `ALTER TABLE log_head ADD COLUMN IF NOT EXISTS frontier text`,
      `ALTER TABLE log_head ADD COLUMN IF NOT EXISTS origin text`,
      // What is frozen, as JSON: whoever moves the head knows it, so that nothing is delivered past a freeze.
      `ALTER TABLE log_head ADD COLUMN IF NOT EXISTS frozen text`,
      // Tile `idx` of level n covers 256^(n+1) entries: the roots of its 256 parts, base64, and its own root. Made
      // from the entries, behind the writers' backs.
      `CREATE TABLE IF NOT EXISTS log_tiles (
        level integer NOT NULL,
        idx bigint NOT NULL,
        root text NOT NULL,
        hashes text NOT NULL,
        PRIMARY KEY (level, idx)
      )`,
      `CREATE TABLE IF NOT EXISTS checkpoints (size bigint PRIMARY KEY, note text NOT NULL, at timestamptz NOT NULL)`,
      // `entry` is the index of the entry that records the freeze. `spread_at`: since then its sessions stand in
      // denied_sessions.
      // `first_key`: who asked first where a thaw takes two.
      `CREATE TABLE IF NOT EXISTS freezes (
        id text PRIMARY KEY,
        kind text NOT NULL,
        name text,
        reason text NOT NULL,
        made_by text NOT NULL,
        person text,
        frozen_at timestamptz NOT NULL,
        entry bigint NOT NULL,
        spread_at timestamptz,
        first_key text,
        first_key_at timestamptz,
        thawed_at timestamptz,
        thawed_by text
      )`,
      `CREATE INDEX IF NOT EXISTS freezes_by_entry ON freezes (entry)`,
      // Sessions that AWS is to deny until they are over. `issued_before`: STS issued it before then.
      `CREATE TABLE IF NOT EXISTS denied_sessions (
        session text PRIMARY KEY,
        role_arn text NOT NULL,
        cause text,
        issued_before timestamptz NOT NULL,
        until timestamptz NOT NULL
      )`,
      `CREATE INDEX IF NOT EXISTS denied_sessions_by_role ON denied_sessions (role_arn, until)`,
      // One row for each role whose sessions are denied: what is wanted (a number that only grows) and what IAM took.
      `CREATE TABLE IF NOT EXISTS role_denials (
        role_arn text PRIMARY KEY,
        wanted bigint NOT NULL,
        applied bigint NOT NULL,
        everyone_before timestamptz,
        everyone_until timestamptz,
        document text,
        form text,
        since timestamptz,
        message text,
        attempts integer NOT NULL,
        due_at timestamptz NOT NULL,
        lease_until timestamptz,
        until timestamptz
      )`,
    ],
  },
];
