/**
 * `twokey escalation …`: what an agent's operator does about a request to the people who decide, and how anybody checks
 * afterwards what they decided. There is no verb that decides: that takes a person's passkey, on the page.
 */
import { Command } from "commander";
import { withVerbs, type Verbs } from "./verbs.ts";

const VERBS: Verbs = {
  request: {
    summary: "ask the people who decide for exactly one session",
    load: async () => (await import("./escalation/request.ts")).requestCommand(),
  },
  ls: {
    summary: "list this agent's own escalations, newest first",
    load: async () => (await import("./escalation/ls.ts")).lsCommand(),
  },
  show: {
    summary: "show one escalation: its state, its code, what it could do",
    load: async () => (await import("./escalation/show.ts")).showCommand(),
  },
  wait: {
    summary: "wait until an escalation is decided or over",
    load: async () => (await import("./escalation/wait.ts")).waitCommand(),
  },
  cancel: {
    summary: "take an escalation back, while it waits or its grant was not used",
    load: async () => (await import("./escalation/cancel.ts")).cancelCommand(),
  },
  verify: {
    summary: "re-check an escalation from the audit log alone",
    load: async () => (await import("./escalation/verify.ts")).verifyCommand(),
  },
};

export function escalationCommand(argv: readonly string[]): Promise<Command> {
  const escalation = new Command("escalation").description(
    "ask two people for more than a standing session can do, and wait for them",
  );
  return withVerbs(escalation, VERBS, argv);
}
