/** `twokey db …`: looks after the database. */
import { Command } from "commander";
import { withVerbs, type Verbs } from "./verbs.ts";

const VERBS: Verbs = {
  prune: {
    summary: "delete rows that are of no more use; the record itself stays for ever",
    load: async () => (await import("./db/prune.ts")).pruneCommand(),
  },
};

export function dbCommand(argv: readonly string[]): Promise<Command> {
  return withVerbs(new Command("db").description("look after the database"), VERBS, argv);
}
