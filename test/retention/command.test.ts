/** `twokey db prune` on a real record of each engine: its flags, its answer, and that the log is still what was signed. */
import { expect, test, vi } from "vitest";
import { auditCommand } from "../../src/cli/audit.ts";
import { dbCommand } from "../../src/cli/db.ts";
import { onEveryRecord, signNow } from "../support/record-on-engines.ts";
import { aSession, ISSUED, LATER, REFUSED, withKey } from "../store/records.ts";

vi.setConfig({ testTimeout: 120_000 });

const LONG_AGO = new Date(Date.now() - 100 * 86_400_000);

onEveryRecord("twokey db prune", (place) => {
  const counts = (json: string) => {
    const { counts, removed, ...rest } = JSON.parse(json) as Record<string, Record<string, number>>;
    return { counts, removed, rest };
  };

  test("deletes what is old, says so, and leaves a log that is what was signed, with the old checkpoints that stay", async () => {
    const store = await place.open();
    for (let n = 0; n < 3; n += 1) {
      const session = aSession({ requestedAt: LONG_AGO });
      await store.recordIntent(session, withKey(`key-${n}`));
      await store.recordOutcome(session, ISSUED, LATER);
      await signNow(store, place.key);
    }
    await store.close();
    await place.tamper((db) => db.write("UPDATE checkpoints SET at = at - interval '90 days'", []));
    const counted = await place.run(dbCommand, "prune", "--older-than", "60d", "--dry-run", "--json");
    expect(counted.code).toBe(0);
    expect(counts(counted.out)).toMatchObject({
      counts: { idempotency: 3, checkpoints: 1, deliveries: 0 },
      removed: { idempotency: 0, checkpoints: 0 },
      rest: { dry_run: true, entry: null },
    });
    const { code, out } = await place.run(dbCommand, "prune", "--older-than", "60d");
    expect(code).toBe(0);
    expect(out).toMatch(/^ {2}idempotency +3$/m);
    expect(out).toMatch(/^ {2}checkpoints +1$/m);
    expect(out).toMatch(/^Recorded as entry 6\.$/m);

    const shown = await place.run(auditCommand, "ls", "--kind", "record.pruned");
    expect(shown.out).toMatch(
      / {2}An operator deletes rows older than .*: 3 of idempotency, 1 of checkpoints\n$/,
    );
    const verified = await place.run(auditCommand, "verify", "--json");
    expect(verified.code).toBe(0);
    expect(JSON.parse(verified.out)).toMatchObject({ ok: true, size: 7, checkpoints: 2, unsigned: 1 });
  });

  test.each([[["--older-than", "29d"]], [["--older-than", "90"]], [["--older-than", "-90d"]], [[]]])(
    "with %j is wrong usage, and nothing is counted",
    async (flags) => {
      const { code, out, err } = await place.run(dbCommand, "prune", ...flags);
      expect([code, out]).toEqual([2, ""]);
      expect(err).toContain("--older-than");
    },
  );

  test("beside a running broker works on PostgreSQL, while it mints, and is refused by the embedded store's lock", async () => {
    const store = await place.open();
    const mint = (n: number, requestedAt: Date) =>
      store.recordIntent(aSession({ requestedAt }), withKey(`beside-${n}`));
    const old = Array.from({ length: 1_500 }, (_, n) => mint(n, LONG_AGO));
    await Promise.all(old);
    const pruning = place.run(dbCommand, "prune", "--older-than", "60d", "--json");
    if (place.embedded) {
      await expect(pruning).rejects.toThrow(/in use by process/);
      await store.close();
      return;
    }
    // The same keys again, while they go: each is used or free, and never lost between the two.
    const again = await Promise.all(Array.from({ length: 1_500 }, (_, n) => mint(n, new Date())));
    const { code, out } = await pruning;
    expect(code).toBe(0);
    expect(counts(out).counts).toMatchObject({ idempotency: 1_500 });
    expect(counts(out).removed).toMatchObject({ idempotency: 1_500 });
    for (const answer of again)
      if (!answer.ok) expect(answer.error).toMatchObject({ reason: "idempotency_key_used", sameBody: true });
    await store.append(REFUSED);
    await store.close();
    expect((await place.run(auditCommand, "verify")).code).toBe(0);
  });
});
