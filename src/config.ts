/**
 * The broker's configuration: flags over environment over file, into one frozen Config. Reports every fault at
 * once; a setting the file has and nobody knows is one.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import packageJson from "../package.json" with { type: "json" };
import {
  AUDIT_EXPORT_SCHEMA,
  AUDIT_EXPORT_SETTINGS,
  auditExportConfig,
  auditExportFaults,
  type AuditExportConfig,
} from "./config/audit-export.ts";
import {
  NOTIFY_SCHEMA,
  NOTIFY_SETTINGS,
  notifyConfig,
  notifyFaults,
  type NotifyConfig,
} from "./config/notify.ts";
import {
  DATABASE_SCHEMA,
  DATABASE_SETTINGS,
  databaseFaults,
  storeConfig,
  type StoreConfig,
} from "./config/database.ts";
import { KEY_SCHEMA, KEY_SETTINGS, keyFaults, keyPlaces, type KeyPlaces } from "./config/keys.ts";
import { OIDC_SCHEMA, OIDC_SETTINGS, oidcConfig, oidcFaults, type OidcConfig } from "./config/oidc.ts";
import { delay, flag, listen, milliseconds, origin, path, url } from "./config/values.ts";
import { err, ok, type Result } from "./result.ts";

export const VERSION = packageJson.version;

export const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;

export interface Config {
  readonly listen: { readonly host: string; readonly port: number };
  /** Folder of the policy set, absolute. */
  readonly policies: string;
  /** PostgreSQL where `url` is given, else PGlite in `folder` (absolute), or in memory where both are null. */
  readonly store: StoreConfig;
  readonly keys: KeyPlaces;
  /** See adapters/aws/assume-role.ts. */
  readonly sts: {
    readonly region: string | null;
    readonly endpoint: string | null;
    readonly deadlineMs: number;
  };
  readonly logLevel: (typeof LOG_LEVELS)[number];
  /** URL called instead of AWS's IAM and CloudFormation endpoints, or null. */
  readonly awsEndpoint: string | null;
  /** Where agents and people reach the broker: an origin. Null: `http://localhost:<port>`. Passkeys are bound to it. */
  readonly publicUrl: string | null;
  /** A passkey decides only after it was enrolled for so long. */
  readonly passkeyDelaySeconds: number;
  /** Null: people sign in with their passkeys. */
  readonly oidc: OidcConfig | null;
  /** Where approvers are told. */
  readonly notify: NotifyConfig;
  /** Where the audit log is exported to as it grows; null: nowhere. */
  readonly auditExport: AuditExportConfig | null;
  readonly shutdownGraceMs: number;
  readonly dangerouslyAllowLoopbackHttpIssuers: boolean;
}

interface Setting {
  /** Key in the configuration file. */
  readonly key: string;
  readonly env: string;
  /** Long flag of `twokey serve`, or null where there is none. */
  readonly flag: string | null;
  readonly help: string;
  /** As text; null: none. */
  readonly fallback: string | null;
}

/** Every setting there is: the file, the environment, `--help` and docs/configuration.md are read off this table. */
export const SETTINGS = {
  listen: {
    key: "listen",
    env: "TWOKEY_LISTEN",
    flag: "listen",
    help: "address and port to serve on; port 0 takes a free one",
    fallback: "127.0.0.1:8787",
  },
  tlsInFront: {
    key: "tls_is_terminated_in_front",
    env: "TWOKEY_TLS_IS_TERMINATED_IN_FRONT",
    flag: "tls-is-terminated-in-front",
    help: "true allows an address other than loopback: you state that TLS ends in front of this plain HTTP",
    fallback: "false",
  },
  policies: {
    key: "policies",
    env: "TWOKEY_POLICIES",
    flag: "policies",
    help: "folder of the policy set",
    fallback: "./policies",
  },
  ...DATABASE_SETTINGS,
  dataDir: {
    key: "data_dir",
    env: "TWOKEY_DATA_DIR",
    flag: "data-dir",
    help: "folder of the embedded store",
    fallback: "./.twokey/data",
  },
  ...KEY_SETTINGS,
  stsRegion: {
    key: "sts_region",
    env: "TWOKEY_STS_REGION",
    flag: null,
    help: "region whose STS is called for every account, instead of each account's own",
    fallback: null,
  },
  stsEndpoint: {
    key: "sts_endpoint",
    env: "TWOKEY_STS_ENDPOINT",
    flag: "sts-endpoint",
    help: "URL called instead of AWS's STS endpoints",
    fallback: null,
  },
  awsEndpoint: {
    key: "aws_endpoint",
    env: "TWOKEY_AWS_ENDPOINT",
    flag: null,
    help: "URL called instead of AWS's IAM and CloudFormation endpoints",
    fallback: null,
  },
  stsDeadline: {
    key: "sts_deadline",
    env: "TWOKEY_STS_DEADLINE",
    flag: null,
    help: "longest wait for STS, 1s to 15s",
    fallback: "10s",
  },
  logLevel: {
    key: "log_level",
    env: "TWOKEY_LOG_LEVEL",
    flag: "log-level",
    help: LOG_LEVELS.join(", "),
    fallback: "info",
  },
  publicUrl: {
    key: "public_url",
    env: "TWOKEY_PUBLIC_URL",
    flag: "public-url",
    help: "where agents and people reach the broker, such as https://twokey.example.com; passkeys are bound to its name",
    fallback: null,
  },
  passkeyDelay: {
    key: "passkey_delay",
    env: "TWOKEY_PASSKEY_DELAY",
    flag: null,
    help: "how long a new passkey waits before it may decide, 0s to 7d",
    fallback: "24h",
  },
  ...OIDC_SETTINGS,
  ...NOTIFY_SETTINGS,
  ...AUDIT_EXPORT_SETTINGS,
  shutdownGrace: {
    key: "shutdown_grace",
    env: "TWOKEY_SHUTDOWN_GRACE",
    flag: null,
    help: "how long accepted requests may still take after SIGTERM, 1s to 5m",
    fallback: "20s",
  },
  loopbackIssuers: {
    key: "dangerously_allow_loopback_http_issuers",
    env: "TWOKEY_DANGEROUSLY_ALLOW_LOOPBACK_HTTP_ISSUERS",
    flag: null,
    help: "true lets an issuer's keys come over plain HTTP from this machine; for tests",
    fallback: "false",
  },
} as const satisfies Readonly<Record<string, Setting>>;

type Name = keyof typeof SETTINGS;

const isLoopback = (host: string): boolean => /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$|^::1$|^localhost$/.test(host);

const schema = z.object({
  listen,
  tlsInFront: flag,
  policies: path,
  ...DATABASE_SCHEMA,
  dataDir: path,
  ...KEY_SCHEMA,
  stsRegion: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, { error: "is a region such as us-east-1" })
    .nullable(),
  stsEndpoint: url(["https", "http"]).nullable(),
  stsDeadline: milliseconds(1, 15, "is 1s to 15s"),
  logLevel: z.enum(LOG_LEVELS, { error: `is one of ${LOG_LEVELS.join(", ")}` }),
  awsEndpoint: url(["https", "http"]).nullable(),
  publicUrl: origin.nullable(),
  passkeyDelay: delay,
  ...OIDC_SCHEMA,
  ...NOTIFY_SCHEMA,
  ...AUDIT_EXPORT_SCHEMA,
  shutdownGrace: milliseconds(1, 300, "is 1s to 5m"),
  loopbackIssuers: flag,
});

export interface ConfigSources {
  /** Text by long flag name. */
  readonly flags: Readonly<Record<string, string | undefined>>;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Relative paths are taken from here. */
  readonly cwd: string;
}

/** `flags.config` or `TWOKEY_CONFIG` names the file, YAML or JSON. Every fault names where the value came from. */
export function loadConfig({ flags, env, cwd }: ConfigSources): Result<Config, readonly string[]> {
  const faults: string[] = [];
  const fileName = flags["config"] ?? env["TWOKEY_CONFIG"];
  const file = fileName === undefined ? {} : readFile(resolve(cwd, fileName), faults);
  const values: Partial<Record<Name, string | null>> = {};
  const from: Partial<Record<Name, string>> = {};
  for (const [name, { key, env: variable, flag, fallback }] of Object.entries(SETTINGS) as [
    Name,
    Setting,
  ][]) {
    const sources: [string, string | undefined][] = [
      [`--${flag ?? ""}`, flag === null ? undefined : flags[flag]],
      [variable, env[variable] === "" ? undefined : env[variable]],
      [`${key} in ${fileName ?? ""}`, file[key]],
    ];
    const [source, value] = sources.find(([, text]) => text !== undefined) ?? [variable, fallback];
    values[name] = value ?? null;
    from[name] = source;
  }
  const parsed = schema.safeParse(values);
  for (const { path, message } of parsed.error?.issues ?? []) {
    faults.push(`${from[path[0] as Name] ?? ""}: ${message}`);
  }
  const address = listen.safeParse(values.listen).data;
  if (address !== undefined && !isLoopback(address.host) && values.tlsInFront !== "true") {
    faults.push(
      `${from.listen ?? ""}: ${address.host} is not loopback, and tokens and credentials would cross the network ` +
        "in clear. Where TLS is terminated in front of the broker, say so with --tls-is-terminated-in-front",
    );
  }
  if (address !== undefined && !isLoopback(address.host) && values.publicUrl === null) {
    faults.push(
      `${SETTINGS.publicUrl.env}: says by what name people reach ${address.host}; their passkeys are bound to it`,
    );
  }
  faults.push(...oidcFaults(values, values.loopbackIssuers === "true"), ...notifyFaults(values));
  faults.push(...auditExportFaults(values), ...keyFaults(values), ...databaseFaults(values));
  return parsed.success && faults.length === 0 ? ok(freeze(parsed.data, cwd)) : err(faults);
}

function freeze(data: z.output<typeof schema>, cwd: string): Config {
  const store = storeConfig(data, resolve(cwd, data.dataDir));
  return Object.freeze({
    listen: Object.freeze(data.listen),
    policies: resolve(cwd, data.policies),
    store,
    keys: keyPlaces(data, store.folder, cwd),
    sts: Object.freeze({ region: data.stsRegion, endpoint: data.stsEndpoint, deadlineMs: data.stsDeadline }),
    logLevel: data.logLevel,
    awsEndpoint: data.awsEndpoint,
    publicUrl: data.publicUrl === null ? null : new URL(data.publicUrl).origin,
    passkeyDelaySeconds: data.passkeyDelay,
    oidc: oidcConfig(data),
    notify: notifyConfig(data),
    auditExport: auditExportConfig(data, cwd),
    shutdownGraceMs: data.shutdownGrace,
    dangerouslyAllowLoopbackHttpIssuers: data.loopbackIssuers,
  });
}

/** The file as text by key. */
function readFile(name: string, faults: string[]): Readonly<Record<string, string>> {
  let content: unknown;
  try {
    content = parse(readFileSync(name, "utf8"), { maxAliasCount: 0 });
  } catch (error) {
    // Only the first line: the rest quotes the file, which may hold the database's password.
    const [told] = error instanceof Error ? error.message.split("\n") : [];
    faults.push(`${name}: ${told ?? "cannot be read"}`);
    return {};
  }
  const file = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).safeParse(content ?? {});
  if (!file.success) {
    faults.push(`${name}: is one level of settings, each a text, a number, true or false`);
    return {};
  }
  const known: ReadonlySet<string> = new Set(Object.values(SETTINGS).map(({ key }) => key));
  for (const key of Object.keys(file.data))
    if (!known.has(key)) faults.push(`${name}: unknown setting ${key}`);
  return Object.fromEntries(Object.entries(file.data).map(([key, value]) => [key, String(value)]));
}
