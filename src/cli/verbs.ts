/** A command with verbs: finds the verb the line names and loads its file alone; does no work itself. */
import { Command } from "commander";

export type Verbs = Readonly<
  Record<string, { readonly summary: string; readonly load: () => Promise<Command> }>
>;

/** The verbs the line does not name are listed for help alone. */
export async function withVerbs(command: Command, verbs: Verbs, argv: readonly string[]): Promise<Command> {
  const named = argv.slice(0, argv[0] === "help" ? 2 : 1);
  for (const [name, { summary, load }] of Object.entries(verbs)) {
    const verb = named.includes(name) ? await load() : new Command(name);
    command.addCommand(verb.summary(summary));
  }
  return command;
}
