/**
 * Whether a second broker on the same PostgreSQL takes work off the first: the mint path in one process, and in two, with
 * as many mints in flight altogether. In turns within one run. Says nothing of a machine with more cores than this one.
 */
import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { startPostgres } from "../test/support/postgres.ts";
import { summary, type Measured } from "./measure.ts";
import type { Order, Told } from "./minter.ts";
import { startStub } from "./mint.ts";

export interface ProcessFigures {
  readonly inFlight: number;
  readonly one: Measured;
  readonly two: Measured;
}

export async function processFigures(options: {
  readonly milliseconds: number;
  readonly rounds: number;
}): Promise<ProcessFigures> {
  const inFlight = 64;
  const postgres = await startPostgres();
  if (postgres === null) throw new Error("PostgreSQL is not installed");
  const stub = await startStub();
  const [first, second] = await Promise.all([
    start(postgres.url, stub.endpoint),
    start(postgres.url, stub.endpoint),
  ]);
  const alone = { concurrency: inFlight, milliseconds: options.milliseconds };
  const shared = { ...alone, concurrency: inFlight / 2 };
  const times: Record<"one" | "two", number[]> = { one: [], two: [] };
  // The first round is for warming up.
  for (let round = 0; round <= options.rounds; round += 1) {
    const one = await minted(first, alone);
    const two = await Promise.all([minted(first, shared), minted(second, shared)]);
    if (round === 0) continue;
    times.one.push(...one);
    times.two.push(...two.flat());
  }
  for (const minter of [first, second]) minter.disconnect();
  await Promise.all([first, second].map((minter) => once(minter, "exit")));
  await postgres.stop();
  stub.stop();
  const seconds = (options.milliseconds * options.rounds) / 1000;
  return { inFlight, one: summary(times.one, seconds), two: summary(times.two, seconds) };
}

async function start(database: string, endpoint: string): Promise<ChildProcess> {
  const minter = fork(join(import.meta.dirname, "minter.ts"), [database, endpoint], {
    execArgv: ["--import", "tsx"],
  });
  await once(minter, "message");
  return minter;
}

/** Milliseconds of each mint. */
async function minted(minter: ChildProcess, order: Order): Promise<readonly number[]> {
  minter.send(order);
  const [{ times }] = (await once(minter, "message")) as [Told];
  return times;
}
