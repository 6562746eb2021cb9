/** Runs a commander command under the CLI's exit codes: commander's own for a usage error is 1, ours is 2. */
import { CommanderError, type Command } from "commander";

export async function runCommand(command: Command, argv: readonly string[]): Promise<number> {
  throwOnExit(command, "twokey");
  try {
    await command.parseAsync(argv, { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? 0 : 2;
  }
  const { exitCode } = process;
  return typeof exitCode === "number" ? exitCode : 0;
}

/** Subcommands too: they copy neither setting once they stand. Help then shows the whole line to type. */
function throwOnExit(command: Command, above: string): void {
  command.exitOverride();
  if (command.parent === null) command.name(`${above} ${command.name()}`);
  for (const sub of command.commands) throwOnExit(sub, above);
}
