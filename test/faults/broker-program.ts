/**
 * A broker process of the harness: loads everything, waits for its order as one line of JSON on its standard input,
 * starts the broker with the order's failpoint, and dies there by its own SIGKILL. Its log is its standard output. A
 * SIGTERM stops it as `twokey serve` stops.
 */
import { writeSync } from "node:fs";
import { createInterface } from "node:readline";
import type { Config } from "../../src/config.ts";
import { startBroker } from "../../src/wire.ts";
import {
  assumeRoleWith,
  databaseWith,
  reachByLog,
  reaching,
  type Armed,
  type Reach,
  type Reached,
} from "./failpoints.ts";

export interface Order {
  readonly config: Config;
  readonly awsCredentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** Null: it lives until it is told to stop. */
  readonly armed: Armed | null;
}

/** The last line of a process that died at a failpoint. */
export interface LastWords {
  readonly died: string;
  readonly at: string;
}

function die({ point, at }: Reached): void {
  const words: LastWords = { died: point, at };
  writeSync(1, `${JSON.stringify(words)}\n`);
  process.kill(process.pid, "SIGKILL");
  // The signal is on its way; nothing more may happen here until it is.
  for (;;);
}

async function start({ config, awsCredentials, armed }: Order): Promise<void> {
  const reach: Reach = armed === null ? () => undefined : reaching(armed, die);
  const broker = await startBroker(config, {
    awsCredentials,
    // Not process.stdout: a line that was written must not wait for an event loop that will not turn again.
    log: {
      write: (line) => {
        reachByLog(reach, line);
        writeSync(1, line);
      },
    },
    decorate: { database: databaseWith(reach), assumeRole: assumeRoleWith(reach) },
  });
  if (!broker.ok) throw new Error(broker.error.join("\n"));
  process.on("SIGTERM", () => {
    void broker.value.close().then(() => process.exit(0));
  });
}

const order = createInterface({ input: process.stdin });
order.once("line", (line) => {
  void start(JSON.parse(line) as Order);
});
// The harness is gone, however it went: nobody needs this broker.
order.once("close", () => process.exit(1));
