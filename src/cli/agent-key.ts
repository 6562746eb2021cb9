/**
 * `twokey agent-key`: makes the Ed25519 key of an agent on a laptop and prints the lines for agents.yaml. Must never
 * print the private part, nor replace a key that was not meant.
 */
import { Command } from "commander";
import { randomBytes } from "node:crypto";
import { link, mkdir, open, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { replaceable } from "../client/private-file.ts";
import { readAgentKey, type AgentKeyFile } from "../client/workload-token.ts";
import { err, ok, type Result } from "../result.ts";

/** As policies/agents.yaml names the enrolled issuer and its `iss`. */
const ISSUER_ID = "enrolled";
const ISSUER = "twokey:enrolled";

/** The registered name's grammar; also keeps the default path inside ~/.twokey. */
const AGENT_NAME = /^[a-z][a-z0-9-]{1,39}$/;

interface CreateOptions {
  readonly agent: string;
  readonly audience?: string;
  readonly out?: string;
  readonly json?: true;
  readonly force?: true;
}

export function agentKeyCommand(): Command {
  const command = new Command("agent-key").description(
    "keys of agents that run where no OIDC issuer vouches for them",
  );
  command
    .command("create")
    .description("make a key, 0600, and print the lines to add to agents.yaml")
    .requiredOption("--agent <name>", "the agent's registered name")
    .option("--audience <url>", "the enrolled issuer's audience in agents.yaml; without it the broker's URL")
    .option("--out <file>", "where to write the key (default: ~/.twokey/<agent>.key.json)")
    .option("--json", "print JSON")
    .option("--force", "replace the file if there is one: the old key is lost")
    .action(async (options: CreateOptions, self: Command) => {
      if (!AGENT_NAME.test(options.agent)) {
        self.error("twokey: --agent must match ^[a-z][a-z0-9-]{1,39}$", { exitCode: 2 });
      }
      finish(await createKey(options), options.json === true);
    });
  command
    .command("show")
    .description("print the public part of a key file")
    .argument("<file>")
    .option("--json", "print JSON")
    .action(async (path: string, options: { readonly json?: true }) => {
      const file = await readAgentKey(resolve(path));
      finish(file.ok ? ok({ path: resolve(path), file: file.value }) : file, options.json === true);
    });
  return command;
}

interface KeyOnDisk {
  readonly path: string;
  readonly file: AgentKeyFile;
}

/** Makes a key and writes its file. `err` is a sentence for the person who asked. */
export async function createKey(options: CreateOptions): Promise<Result<KeyOnDisk, string>> {
  const { calculateJwkThumbprint, exportJWK, generateKeyPair } = await import("jose");
  const { privateKey } = await generateKeyPair("EdDSA", { extractable: true });
  const jwk = await exportJWK(privateKey);
  const key = { ...jwk, x: jwk.x ?? "", kid: await calculateJwkThumbprint(jwk) };
  const file = { agent: options.agent, issuer: ISSUER, audience: options.audience ?? null, key };
  const path = resolve(options.out ?? join(homedir(), ".twokey", `${options.agent}.key.json`));
  if (!replaceable(path)) return err(`${path} is not a file.`);
  try {
    if (options.out === undefined) await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeKey({ path, text: `${JSON.stringify(file, null, 2)}\n`, replace: options.force === true });
    return ok({ path, file });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "failed";
    if (code === "EEXIST") return err(`${path} exists. --force replaces it, and the key in it is lost.`);
    return err(`${path} cannot be written (${code}).`);
  }
}

interface KeyText {
  readonly path: string;
  readonly text: string;
  readonly replace: boolean;
}

/** Whole or not at all: a draft is written and synced, then takes the name; `link` refuses a name that is taken. */
async function writeKey({ path, text, replace }: KeyText): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString("hex")}.new`;
  try {
    const handle = await open(draft, "wx", 0o600);
    try {
      await handle.writeFile(text);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await (replace ? rename(draft, path) : link(draft, path));
  } finally {
    await rm(draft, { force: true });
  }
}

function finish(made: Result<KeyOnDisk, string>, json: boolean): void {
  if (!made.ok) {
    process.stderr.write(`twokey: ${made.error}\n`);
    process.exitCode = 1;
    return;
  }
  const { path, file } = made.value;
  const { agent, issuer, audience, key } = file;
  const entry = registration(file);
  process.stdout.write(
    json
      ? `${JSON.stringify({ path, agent, issuer, audience, kid: key.kid, x: key.x, agents_yaml: entry }, null, 2)}\n`
      : `# The private key is in ${path}. Add this below \`agents:\` in agents.yaml:\n${entry}`,
  );
}

const registration = ({ agent, key }: AgentKeyFile): string =>
  [
    `  - name: ${agent}`,
    "    owner: <person id>",
    `    issuer: ${ISSUER_ID}`,
    "    keys:",
    `      - kid: ${quoted(key.kid)}`,
    `        x: ${quoted(key.x)}`,
    "    templates: [observe]\n",
  ].join("\n");

/** base64url may begin with `-`, or read as a number, which YAML would take for something else. */
const quoted = (text: string): string => JSON.stringify(text);
