/** The contract of escalation/outbox.ts, the same on every engine. */
import { expect, test } from "vitest";
import type { Delivery } from "../../src/escalation/outbox.ts";
import { onEveryEngine } from "./engines.ts";
import { decided, happen, requested } from "./escalations.ts";

onEveryEngine("the outbox", (opened) => {
  const claim = (channel: string, limit = 100, leaseSeconds = 60) =>
    opened.log.outbox.claim(channel, limit, leaseSeconds);
  const only = async (channel: string, leaseSeconds = 60): Promise<Delivery> => {
    const [delivery, ...more] = await claim(channel, 1, leaseSeconds);
    if (delivery === undefined || more.length > 0) throw new Error("one delivery was expected");
    return delivery;
  };
  const about = (deliveries: readonly Delivery[]) =>
    deliveries.map(({ notice }) => [notice.kind, notice.escalation]);
  const dueNow = (channel: string) =>
    opened.db.query("UPDATE deliveries SET due_at = clock_timestamp() WHERE channel = $1", [channel]);
  const stateOf = async ({ channel, notice }: Delivery) =>
    (
      await opened.db.query("SELECT state, reason FROM deliveries WHERE channel = $1 AND notice = $2", [
        channel,
        notice.id,
      ])
    )[0];
  /** A channel that has heard of all there was. */
  const upToDate = async (channel: string) => {
    for (const delivery of await claim(channel)) await opened.log.outbox.delivered(delivery, null);
  };

  test("gives each channel every notice once, oldest first, page by page", async () => {
    await upToDate("slack");
    const [one, two] = [await requested(opened.log), await requested(opened.log)];
    await happen(opened.log, one.id, { kind: "cancelled", by: "agent" });
    const expected = [
      ["escalation.requested", one.id],
      ["escalation.requested", two.id],
      ["escalation.cancelled", one.id],
    ];
    expect(about(await claim("slack", 2))).toEqual(expected.slice(0, 2));
    expect(about(await claim("slack", 2))).toEqual(expected.slice(2));
    expect(await claim("slack")).toEqual([]);
    expect(about(await claim("mail")).slice(-3)).toEqual(expected);
  });

  test("a delivery carries its notice whole and counts its attempts", async () => {
    await upToDate("whole");
    const { id, requestedAt } = await requested(opened.log);
    const first = await only("whole");
    expect(first).toEqual({
      notice: {
        id: first.notice.id,
        kind: "escalation.requested",
        escalation: id,
        detail: {},
        at: requestedAt,
      },
      channel: "whole",
      attempts: 1,
      thread: null,
    });
    expect(first.notice.id).toMatch(/^ntc-[a-z2-7]{24}$/);
    await dueNow("whole");
    expect(await only("whole")).toEqual({ ...first, attempts: 2 });
  });

  test("a claim that was not settled is free after its lease, and not before", async () => {
    await upToDate("lease");
    await requested(opened.log);
    const first = await only("lease", 0);
    const second = await only("lease");
    expect(second.notice.id).toBe(first.notice.id);
    expect(await claim("lease")).toEqual([]);
  });

  test("what failed is due again after its time, and what was given up never, but stays on record", async () => {
    await upToDate("failing");
    await requested(opened.log);
    const first = await only("failing");
    await opened.log.outbox.failed(first, "503", 600);
    expect(await claim("failing")).toEqual([]);
    await dueNow("failing");
    const second = await only("failing");
    await opened.log.outbox.failed(second, "404", null);
    await dueNow("failing");
    expect(await claim("failing")).toEqual([]);
    expect(await stateOf(second)).toEqual({ state: "given_up", reason: "404" });
  });

  test("who claimed it later says what became of it: a late failure undoes nothing", async () => {
    await upToDate("late");
    await requested(opened.log);
    const slow = await only("late", 0);
    const quick = await only("late", 60);
    await opened.log.outbox.failed(slow, "time-out", null);
    expect(await stateOf(quick)).toMatchObject({ state: "waiting" });
    await opened.log.outbox.delivered(quick, null);
    await opened.log.outbox.failed(quick, "time-out", null);
    expect(await stateOf(quick)).toMatchObject({ state: "delivered" });
  });

  test("a later notice of an escalation carries what the channel answered for the first, on that channel", async () => {
    await upToDate("threads");
    await upToDate("other");
    const { id } = await requested(opened.log);
    await opened.log.outbox.delivered(await only("threads"), "thread-1");
    await upToDate("other");
    await happen(opened.log, id, decided("orders-second", "deny"));
    expect(await only("threads")).toMatchObject({
      thread: "thread-1",
      notice: { kind: "escalation.denied" },
    });
    expect(await only("other")).toMatchObject({ thread: null });
  });

  test("20 claims at once give each notice to one", async () => {
    await upToDate("racing");
    const ids: string[] = [];
    for (let n = 0; n < 10; n += 1) ids.push((await requested(opened.log)).id);
    const claims = await Promise.all(Array.from({ length: 20 }, () => claim("racing", 3)));
    const claimed = claims.flat().map(({ notice }) => notice.escalation);
    const rest = (await claim("racing")).map(({ notice }) => notice.escalation);
    expect([...claimed, ...rest].sort()).toEqual(ids.sort());
  });

  test("a channel that is new tells nobody of what is more than a day ago", async () => {
    await opened.db.query("UPDATE notices SET at = at - interval '25 hours'", []);
    const { id } = await requested(opened.log);
    expect(about(await claim("new"))).toEqual([["escalation.requested", id]]);
  });
});
