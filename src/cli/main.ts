/**
 * The `twokey` command: finds the subcommand by its first word and loads that one alone, because
 * `credential-process` starts at every call of some SDKs. Imports nothing at the top but what is free.
 */
import type { Command } from "commander";

interface Subcommand {
  readonly summary: string;
  /** Answers the exit code: 0 done, 1 refused or failed, 2 usage. */
  readonly run: (argv: readonly string[]) => Promise<number>;
}

const viaCommander =
  (load: (argv: readonly string[]) => Promise<Command>) =>
  async (argv: readonly string[]): Promise<number> => {
    const [{ runCommand }, command] = await Promise.all([import("./run-command.ts"), load(argv)]);
    return runCommand(command, argv);
  };

const SUBCOMMANDS: Readonly<Record<string, Subcommand>> = {
  serve: {
    summary: "run the broker",
    run: viaCommander(async () => (await import("./serve.ts")).serveCommand()),
  },
  init: {
    summary: "write a starter policy set into an empty folder",
    run: viaCommander(async () => (await import("./init.ts")).initCommand()),
  },
  demo: {
    summary: "replay the incident against a local AWS, then keep it running",
    run: viaCommander(async () => (await import("./demo.ts")).demoCommand()),
  },
  doctor: {
    summary: "check the broker and its AWS accounts, and say what to mend",
    run: viaCommander(async () => (await import("./doctor.ts")).doctorCommand()),
  },
  policy: {
    summary: "check, explain, compile, simulate and compare policies",
    run: viaCommander(async (argv) => (await import("./policy.ts")).policyCommand(argv)),
  },
  audit: {
    summary: "read and check the audit log",
    run: viaCommander(async (argv) => (await import("./audit.ts")).auditCommand(argv)),
  },
  freeze: {
    summary: "stop a session, an agent, a template or everything",
    run: viaCommander(async (argv) => (await import("./freeze.ts")).freezeCommand(argv)),
  },
  thaw: {
    summary: "say where people thaw, and wait for them",
    run: viaCommander(async (argv) => (await import("./thaw.ts")).thawCommand(argv)),
  },
  db: {
    summary: "delete what the database need not keep",
    run: viaCommander(async (argv) => (await import("./db.ts")).dbCommand(argv)),
  },
  notify: {
    summary: "try the notifications to approvers",
    run: viaCommander(async () => (await import("./notify.ts")).notifyCommand()),
  },
  "agent-key": {
    summary: "make the key of an agent on a laptop",
    run: viaCommander(async () => (await import("./agent-key.ts")).agentKeyCommand()),
  },
  agent: {
    summary: "serve credentials to AWS SDKs on this machine",
    run: viaCommander(async () => (await import("./agent.ts")).agentCommand()),
  },
  escalation: {
    summary: "ask two people for more than a standing session can do",
    run: viaCommander(async (argv) => (await import("./escalation.ts")).escalationCommand(argv)),
  },
  exec: {
    summary: "run a command with a Twokey session",
    run: viaCommander(async () => (await import("./exec.ts")).execCommand()),
  },
  "credential-process": {
    summary: "print a session for credential_process in ~/.aws/config",
    run: async (argv) => (await import("./credential-process.ts")).runCredentialProcess(argv),
  },
  setup: {
    summary: "write a profile into ~/.aws/config",
    run: viaCommander(async () => (await import("./setup.ts")).setupCommand()),
  },
};

async function main([word, ...rest]: readonly string[]): Promise<number> {
  if (word === "--version" || word === "-V") {
    const { VERSION } = await import("../config.ts");
    process.stdout.write(`${VERSION}\n`);
    return 0;
  }
  if (word === undefined || word === "--help" || word === "-h" || word === "help") {
    (word === undefined ? process.stderr : process.stdout).write(help());
    return word === undefined ? 2 : 0;
  }
  const subcommand = Object.hasOwn(SUBCOMMANDS, word) ? SUBCOMMANDS[word] : undefined;
  if (subcommand !== undefined) return subcommand.run(rest);
  const { nearest } = await import("../policy/suggest.ts");
  const guess = nearest(word, Object.keys(SUBCOMMANDS));
  const hint = guess === null ? "" : ` Did you mean ${guess}?`;
  process.stderr.write(`twokey: no command ${JSON.stringify(word)}.${hint} See twokey --help.\n`);
  return 2;
}

function help(): string {
  const width = Math.max(...Object.keys(SUBCOMMANDS).map((name) => name.length)) + 2;
  const rows = Object.entries(SUBCOMMANDS).map(
    ([name, { summary }]) => `  ${name.padEnd(width)}${summary}\n`,
  );
  return (
    "Usage: twokey <command> [options]\n\n" +
    "AWS credentials for AI agents. Production takes two keys.\n\n" +
    `Commands:\n${rows.join("")}\n` +
    "twokey <command> --help tells the rest; twokey --version the version.\n" +
    "Exit codes: 0 done, 1 refused or failed, 2 usage.\n"
  );
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`twokey: ${error instanceof Error ? error.message : "failed"}\n`);
  process.exitCode = 1;
}
