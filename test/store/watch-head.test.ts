/** How waiting for the record to move costs one look for all who wait, and none when nobody does. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { watchHead } from "../../src/adapters/postgres/watch-head.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const LONG = 3_600_000;

function aHead() {
  const head = { size: 0, looks: 0, gone: false };
  const watch = watchHead(async () => {
    head.looks += 1;
    if (head.gone) throw new Error("connection lost");
    return head.size;
  });
  const wait = () => {
    const waiter = { done: false };
    void watch.changed(LONG, new AbortController().signal).then(() => {
      waiter.done = true;
    });
    return waiter;
  };
  return { head, watch, wait };
}

/** Past the first looks, which may wake for what came before. */
async function settled() {
  const all = aHead();
  for (let n = 0; n < 3; n += 1) {
    all.wait();
    await vi.advanceTimersByTimeAsync(500);
  }
  all.watch.wake();
  await vi.advanceTimersByTimeAsync(500);
  all.head.looks = 0;
  return all;
}

test("nobody looks while nobody waits", async () => {
  const { head } = await settled();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(head.looks).toBe(0);
});

test("a hundred who wait cost one look every half second", async () => {
  const { head, wait } = await settled();
  const all = Array.from({ length: 100 }, wait);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(head.looks).toBeLessThanOrEqual(21);
  expect(all.some(({ done }) => done)).toBe(false);
  head.size += 1;
  await vi.advanceTimersByTimeAsync(500);
  expect(all.every(({ done }) => done)).toBe(true);
});

test("what changed between a caller's reading and its waiting wakes it, though others saw it first", async () => {
  const { head, wait } = await settled();
  const other = wait();
  // Here the caller reads.
  head.size += 1;
  await vi.advanceTimersByTimeAsync(500);
  expect(other.done).toBe(true);
  const late = wait();
  await vi.advanceTimersByTimeAsync(500);
  expect(late.done).toBe(true);
});

test("a record that cannot be read wakes nobody and ends nothing", async () => {
  const { head, wait } = await settled();
  const waiter = wait();
  head.gone = true;
  await vi.advanceTimersByTimeAsync(5_000);
  expect(waiter.done).toBe(false);
  head.gone = false;
  head.size += 1;
  await vi.advanceTimersByTimeAsync(500);
  expect(waiter.done).toBe(true);
});

test("an own change wakes at once, without a look", async () => {
  const { head, watch, wait } = await settled();
  const waiter = wait();
  head.looks = 0;
  watch.wake();
  await Promise.resolve();
  expect(waiter.done).toBe(true);
  expect(head.looks).toBe(0);
});

test("each wait ends at its own time", async () => {
  const { watch } = await settled();
  const short = watch.changed(1_000, new AbortController().signal);
  await vi.advanceTimersByTimeAsync(1_000);
  await short;
});
