/**
 * Group commit: while one group of operations commits, the next gathers, so that many callers share one durable
 * write. No timer: an idle queue starts at once. Knows nothing of what an operation is. Must never answer a caller
 * before the group's `write` has.
 */

/** What became of one operation. A rejection says the write is not certain. */
export type Answer<A> = { readonly value: A } | { readonly error: unknown };

export interface GroupCommit<O, A> {
  /** Resolves with this operation's own answer, or rejects with its own error. */
  submit(operation: O): Promise<A>;
  /** Refuses whatever comes later and resolves when all that was accepted is answered. */
  drain(): Promise<void>;
}

interface Waiting<O, A> {
  readonly operation: O;
  readonly resolve: (answer: A) => void;
  readonly reject: (error: unknown) => void;
}

/** `write` answers a group of at most `maxGroup` in its order; past `maxWaiting` callers are refused at once. */
export function groupCommit<O, A>(
  write: (group: readonly O[]) => Promise<readonly Answer<A>[]>,
  limits: { readonly maxGroup: number; readonly maxWaiting: number },
): GroupCommit<O, A> {
  const waiting: Waiting<O, A>[] = [];
  let running: Promise<void> | null = null;
  let closed = false;

  async function run(): Promise<void> {
    // One turn of the event loop: requests that arrived together share the first group.
    await new Promise(setImmediate);
    while (waiting.length > 0) {
      const group = waiting.splice(0, limits.maxGroup);
      await settle(group, write);
    }
    running = null;
  }

  return {
    submit: (operation) =>
      new Promise((resolve, reject) => {
        if (closed) {
          reject(new Error("the record is closed"));
        } else if (waiting.length >= limits.maxWaiting) {
          reject(new Error("the record has too many writes waiting"));
        } else {
          waiting.push({ operation, resolve, reject });
          running ??= run();
        }
      }),
    drain: async () => {
      closed = true;
      await running;
    },
  };
}

async function settle<O, A>(
  group: readonly Waiting<O, A>[],
  write: (group: readonly O[]) => Promise<readonly Answer<A>[]>,
): Promise<void> {
  let answers: readonly Answer<A>[];
  try {
    answers = await write(group.map((one) => one.operation));
  } catch (error) {
    answers = group.map(() => ({ error }));
  }
  group.forEach((one, index) => {
    const answer = answers[index] ?? { error: new Error("the record gave no answer") };
    if ("value" in answer) one.resolve(answer.value);
    else one.reject(answer.error);
  });
}
