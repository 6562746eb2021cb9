/** The queue alone, with a writer that commits when told. */
import { expect, test } from "vitest";
import { groupCommit, type Answer } from "../../src/adapters/postgres/group-commit.ts";

/** A writer whose groups wait until released. */
function stepwise(limits = { maxGroup: 4, maxWaiting: 6 }) {
  const groups: (readonly string[])[] = [];
  const releases: ((answers?: readonly Answer<string>[]) => void)[] = [];
  let arrived: () => void = () => undefined;
  const queue = groupCommit<string, string>(async (group) => {
    groups.push(group);
    arrived();
    const given = await new Promise<readonly Answer<string>[] | undefined>((resolve) => {
      releases.push(resolve);
    });
    return given ?? group.map((one) => ({ value: `${one}!` }));
  }, limits);
  const nextGroup = () =>
    new Promise<void>((resolve) => {
      arrived = resolve;
    });
  return {
    queue,
    groups,
    nextGroup,
    release: (answers?: readonly Answer<string>[]) => releases.shift()?.(answers),
  };
}

test("what arrives while a group commits is the next group, of bounded size, in order", async () => {
  const { queue, groups, nextGroup, release } = stepwise();
  const first = nextGroup();
  const answers = [queue.submit("a")];
  await first;
  answers.push(...["b", "c", "d", "e", "f"].map((one) => queue.submit(one)));
  for (let n = 0; n < 2; n += 1) {
    const next = nextGroup();
    release();
    await next;
  }
  release();
  expect(await Promise.all(answers)).toEqual(["a!", "b!", "c!", "d!", "e!", "f!"]);
  expect(groups).toEqual([["a"], ["b", "c", "d", "e"], ["f"]]);
});

test("each caller gets its own answer or its own error", async () => {
  const { queue, nextGroup, release } = stepwise();
  const begun = nextGroup();
  const answers = Promise.allSettled(["a", "b", "c"].map((one) => queue.submit(one)));
  await begun;
  release([{ value: "1" }, { error: "bad" }]);
  expect(
    (await answers).map((each) => (each.status === "fulfilled" ? each.value : String(each.reason))),
  ).toEqual(["1", "bad", "Error: the record gave no answer"]);
});

test("past the bound a caller is refused at once instead of waiting without end", async () => {
  const { queue, nextGroup, release } = stepwise({ maxGroup: 9, maxWaiting: 2 });
  const begun = nextGroup();
  const kept = Promise.all([queue.submit("a"), queue.submit("b")]);
  await expect(queue.submit("c")).rejects.toThrow("too many");
  await begun;
  release();
  expect(await kept).toEqual(["a!", "b!"]);
});

test("draining answers all that was accepted and refuses what comes later", async () => {
  const { queue, groups, nextGroup, release } = stepwise();
  const begun = nextGroup();
  const accepted = [queue.submit("a")];
  await begun;
  accepted.push(queue.submit("b"));
  const drained = queue.drain().then(() => groups.length);
  await expect(queue.submit("c")).rejects.toThrow("closed");
  const next = nextGroup();
  release();
  await next;
  release();
  expect(await Promise.all(accepted)).toEqual(["a!", "b!"]);
  expect(await drained).toBe(2);
});
