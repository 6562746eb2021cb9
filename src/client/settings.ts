/**
 * What the agent's side must know before it may ask for a session: flags first, then the environment. Reports
 * every fault at once. Must never hold a secret: a workload token itself is read by workload-token.ts.
 */
import { resolve } from "node:path";
import type { CredentialsRequest } from "../api.ts";
import { err, ok, type Result } from "../result.ts";

interface Setting {
  /** Long flag without dashes. */
  readonly flag: string;
  readonly env: string;
  /** The value's placeholder in `--help`. */
  readonly value: string;
  readonly help: string;
}

/** The one table of settings; parseArgs, commander, the environment and the documentation are read from it. */
export const SETTINGS = {
  url: { flag: "url", env: "TWOKEY_URL", value: "<url>", help: "the broker, https unless on loopback" },
  template: { flag: "template", env: "TWOKEY_TEMPLATE", value: "<name>", help: "policy template to ask for" },
  account: {
    flag: "account",
    env: "TWOKEY_ACCOUNT",
    value: "<id>",
    help: "AWS account, twelve digits; may be left out where the template has one",
  },
  parameters: {
    flag: "parameters",
    env: "TWOKEY_PARAMETERS",
    value: "<k=v,k=v>",
    help: "the template's parameters; repeat a key to give it several values",
  },
  duration: {
    flag: "duration",
    env: "TWOKEY_DURATION",
    value: "<time>",
    help: "seconds, or text such as 15m; the template clamps it",
  },
  intent: {
    flag: "intent",
    env: "TWOKEY_INTENT",
    value: "<intent>",
    help: "what the task will do: observe, change or destroy",
  },
  task: {
    flag: "task",
    env: "TWOKEY_TASK",
    value: "<summary>",
    help: "the task in one line, for the record",
  },
  taskId: { flag: "task-id", env: "TWOKEY_TASK_ID", value: "<id>", help: "the task's id, for the record" },
  agentKey: {
    flag: "agent-key",
    env: "TWOKEY_AGENT_KEY",
    value: "<file>",
    help: "enrolled key that proves who the agent is",
  },
  workloadTokenFile: {
    flag: "workload-token-file",
    env: "TWOKEY_TOKEN_FILE",
    value: "<file>",
    help: "file holding the workload token, read again for every request",
  },
} as const satisfies Record<string, Setting>;

export type SettingName = keyof typeof SETTINGS;
export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[];

/** Settings as text, only those that were given. Never holds a secret. */
export type GivenSettings = Readonly<Partial<Record<SettingName, string>>>;

export interface AgentSettings {
  readonly url: URL;
  readonly request: CredentialsRequest;
  readonly agentKey: string | null;
  readonly workloadTokenFile: string | null;
}

/** Where the broker is and how the agent proves itself, without anything to ask for. */
export type AccessSettings = Pick<AgentSettings, "url" | "agentKey" | "workloadTokenFile">;

type Environment = Readonly<Record<string, string | undefined>>;

/** Flags win over the environment; an empty string counts as not given. */
export function givenSettings(flags: GivenSettings, env: Environment): GivenSettings {
  const given: Partial<Record<SettingName, string>> = {};
  for (const name of SETTING_NAMES) {
    const value = flags[name] ?? env[SETTINGS[name].env]?.trim();
    if (value === undefined || value === "") continue;
    // Absolute, because a warm agent and the AWS SDK that asks it run in different folders.
    given[name] = SETTINGS[name].value === "<file>" ? resolve(value) : value;
  }
  return given;
}

/** The settings, or every fault in them as a sentence each. */
export function readSettings(given: GivenSettings): Result<AgentSettings, readonly string[]> {
  const faults: string[] = [];
  const take = <T>(read: Result<T, string>): T | undefined => {
    if (read.ok) return read.value;
    faults.push(read.error);
    return undefined;
  };
  const url = take(brokerUrl(given.url));
  const template = take(required(given, "template"));
  const intent = take(intentOf(given.intent));
  const summary = take(required(given, "task"));
  const account = take(accountOf(given.account));
  const parameters = take(parseParameters(given.parameters ?? ""));
  if (url === undefined || template === undefined || intent === undefined) return err(faults);
  if (summary === undefined || account === undefined || parameters === undefined) return err(faults);
  return ok({
    url,
    request: {
      template,
      parameters,
      ...(account === null ? {} : { account }),
      ...(given.duration === undefined ? {} : { duration: durationOf(given.duration) }),
      task: { intent, summary, ...(given.taskId === undefined ? {} : { id: given.taskId }) },
    },
    agentKey: given.agentKey ?? null,
    workloadTokenFile: given.workloadTokenFile ?? null,
  });
}

export function readAccess(given: GivenSettings): Result<AccessSettings, string> {
  const url = brokerUrl(given.url);
  if (!url.ok) return url;
  const { agentKey = null, workloadTokenFile = null } = given;
  return ok({ url: url.value, agentKey, workloadTokenFile });
}

const asSeen = (name: SettingName): string => `--${SETTINGS[name].flag} (or ${SETTINGS[name].env})`;

function required(given: GivenSettings, name: SettingName): Result<string, string> {
  const value = given[name];
  return value === undefined ? err(`${asSeen(name)} is missing: ${SETTINGS[name].help}.`) : ok(value);
}

/**
 * A token must not cross a network in the clear: anything but https is refused unless it stays on this machine. `seen`:
 * how the setting is called where it was given.
 */
export function brokerUrl(text: string | undefined, seen = asSeen("url")): Result<URL, string> {
  if (text === undefined) return err(`${seen} is missing: ${SETTINGS.url.help}.`);
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null) return err(`${seen} is not a URL.`);
  if (url.username !== "" || url.password !== "") return err(`${seen} must not hold a password.`);
  if (url.protocol === "https:") return ok(url);
  if (url.protocol === "http:" && isLoopback(url.hostname)) return ok(url);
  return err(
    `${seen} must be https: the token would cross the network readable at ${url.protocol}//${url.host}. ` +
      `Plain http is for 127.0.0.1, [::1] and localhost only.`,
  );
}

/** `hostname` as the URL parser gives it: it has already turned 0x7f.1 and the like into dotted form. */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}

export function intentOf(text: string | undefined): Result<CredentialsRequest["task"]["intent"], string> {
  if (text === "observe" || text === "change" || text === "destroy") return ok(text);
  return err(`${asSeen("intent")} must say what the task will do: observe, change or destroy.`);
}

export function accountOf(text: string | undefined): Result<string | null, string> {
  if (text === undefined) return ok(null);
  return /^\d{12}$/.test(text) ? ok(text) : err(`${asSeen("account")} must be twelve digits.`);
}

export function durationOf(text: string): number | string {
  return /^\d+$/.test(text) ? Number(text) : text;
}

function parseParameters(text: string): Result<Record<string, string | string[]>, string> {
  const parameters = new Map<string, string[]>();
  for (const pair of text.split(",").filter((part) => part.trim() !== "")) {
    const cut = pair.indexOf("=");
    const key = pair.slice(0, cut).trim();
    if (cut < 1 || key === "") return err(`${asSeen("parameters")} must read k=v,k=v.`);
    parameters.set(key, [...(parameters.get(key) ?? []), pair.slice(cut + 1).trim()]);
  }
  return ok(
    Object.fromEntries(
      [...parameters].map(([key, values]) => [key, values.length === 1 ? (values[0] ?? "") : values]),
    ),
  );
}
