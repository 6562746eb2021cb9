/** What every command needs that speaks to the broker as an operator, and what names a thing to freeze. */
import type { Command } from "commander";
import { operatorAccess, TOKEN_FILE, type OperatorAccess } from "../../client/operator.ts";

export interface OperatorOptions {
  readonly broker?: string;
  readonly tokenFile?: string;
  readonly json?: true;
}

export type Kind = "session" | "agent" | "template" | "all";

export const addOperatorFlags = (command: Command): Command =>
  command
    .option("--broker <url>", "the broker, https unless on loopback [TWOKEY_URL]")
    .option(
      "--token-file <file>",
      `the operators' token (default ${TOKEN_FILE}) [TWOKEY_OPERATOR_TOKEN_FILE]`,
    )
    .option("--json", "print the API's answer as a line of JSON");

/** The broker as an operator reaches it, or exit 2 with every fault. */
export function accessOrUsage(command: Command, { broker, tokenFile }: OperatorOptions): OperatorAccess {
  const access = operatorAccess({ broker, tokenFile }, process.env);
  if (access.ok) return access.value;
  return command.error(access.error.map((fault) => `twokey: ${fault}`).join("\n"), { exitCode: 2 });
}
