/** `twokey audit …`: reads and checks the audit log. */
import { Command } from "commander";
import { withVerbs, type Verbs } from "./verbs.ts";

const VERBS: Verbs = {
  ls: {
    summary: "list entries in the order of the log, by default the last of them",
    load: async () => (await import("./audit/ls.ts")).lsCommand(),
  },
  verify: {
    summary: "check every entry against what was signed",
    load: async () => (await import("./audit/verify.ts")).verifyCommand(),
  },
  key: {
    summary: "print the key that verifies checkpoints, or make a new one",
    load: async () => (await import("./audit/key.ts")).keyCommand(),
  },
  reconcile: {
    summary: "hold CloudTrail's events against the record: what sessions really did, and what must not be",
    load: async () => (await import("./audit/reconcile.ts")).reconcileCommand(),
  },
};

export function auditCommand(argv: readonly string[]): Promise<Command> {
  return withVerbs(new Command("audit").description("read and check the audit log"), VERBS, argv);
}
