/** The waiting that `request --wait` and `wait` share: what is told at the end, and at Ctrl-C. */
import { constants } from "node:os";
import type { BrokerAccess } from "../../client/authenticated-call.ts";
import { complain } from "../agent-flags.ts";
import { follow } from "./follow.ts";
import { json, state } from "./view.ts";

/** Exit code: 0 approved, 1 not. An interrupted wait ends the process and leaves the escalation as it is. */
export async function watch(
  access: BrokerAccess,
  id: string,
  options: { readonly until: Date | null; readonly json: boolean },
): Promise<number> {
  for (const signal of ["SIGINT", "SIGTERM"] as const)
    process.once(signal, () => {
      process.stderr.write(
        `\ntwokey: ${id} still waits for its decision.\n  twokey escalation wait ${id}\n  twokey escalation cancel ${id}\n`,
      );
      process.exit(128 + constants.signals[signal]);
    });
  const ended = await follow(access, id, options.until);
  if (!ended.ok) {
    complain(ended.error);
    return 1;
  }
  process.stdout.write(`${options.json ? json(ended.value) : `${id} is ${state(ended.value)}`}\n`);
  return ended.value.state === "approved" || ended.value.state === "consumed" ? 0 : 1;
}
