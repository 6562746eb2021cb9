/**
 * `twokey freeze …`: the kill switch from an operator's shell, by the operators' token. One key stops; there is no verb
 * that starts anything again.
 */
import { Command } from "commander";
import { withVerbs, type Verbs } from "./verbs.ts";

const order = (kind: "session" | "agent" | "template" | "all") => async (): Promise<Command> =>
  (await import("./freeze/order.ts")).orderCommand(kind);

const VERBS: Verbs = {
  session: { summary: "freeze one session: it is denied everything", load: order("session") },
  agent: { summary: "freeze an agent: no session for it, and those it has end", load: order("agent") },
  template: {
    summary: "freeze a template: no session of it, and those there are end",
    load: order("template"),
  },
  all: { summary: "freeze everything: no session for any agent, and all there are end", load: order("all") },
  ls: {
    summary: "list what is frozen and what is in force in AWS",
    load: async () => (await import("./freeze/ls.ts")).lsCommand(),
  },
};

export function freezeCommand(argv: readonly string[]): Promise<Command> {
  return withVerbs(new Command("freeze").description("stop what agents do, with one key"), VERBS, argv);
}
