/**
 * `twokey thaw …`: says where people thaw and who may, and waits until they did. It cannot thaw: the operators' token
 * stops and never starts.
 */
import { Command } from "commander";
import { withVerbs, type Verbs } from "./verbs.ts";

const wait = (kind: "session" | "agent" | "template" | "all") => async (): Promise<Command> =>
  (await import("./freeze/thaw.ts")).thawCommand(kind);

const VERBS: Verbs = {
  session: { summary: "wait until people thaw a session", load: wait("session") },
  agent: { summary: "wait until people thaw an agent", load: wait("agent") },
  template: { summary: "wait until people thaw a template", load: wait("template") },
  all: { summary: "wait until two administrators thaw everything", load: wait("all") },
};

export function thawCommand(argv: readonly string[]): Promise<Command> {
  return withVerbs(new Command("thaw").description("say where people thaw, and wait for them"), VERBS, argv);
}
