/**
 * The composition root of `twokey doctor`: the broker's parts without a broker. Opens the record as it is and never brings
 * its schema forward; makes no key.
 */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { createAssumeRole, type StsOptions } from "../adapters/aws/assume-role.ts";
import { createInspectAws } from "../adapters/aws/inspect.ts";
import { createPolicyStore } from "../adapters/aws/publish-policies.ts";
import { openAuditKey, verifyEd25519 } from "../adapters/key-files/key-files.ts";
import { reachIssuer } from "../adapters/oidc/issuer-keys.ts";
import { openCurrentLog, OutdatedSchemaError, type Store } from "../adapters/postgres/audit-log.ts";
import { FolderInUseError } from "../adapters/postgres/folder-lock.ts";
import { VERSION, type Config } from "../config.ts";
import { examine } from "../flows/doctor.ts";
import type { Doctor, DoctorRecord, KeysSeen, RecordFault } from "../flows/doctor/ports.ts";
import { bad, good, THE_BROKER, type Finding } from "../policy/doctor/finding.ts";
import type { ServedPolicy } from "../policy/serve.ts";
import { err, ok, type Result } from "../result.ts";
import { base32 } from "../session/name.ts";
import { loadPolicy } from "./tools.ts";

export type { Finding };

export interface DoctorOptions {
  readonly config: Config;
  /** Account id to look at; null: all. */
  readonly account: string | null;
  readonly simulate: boolean;
  /** The broker's own AWS credentials, instead of the SDK's default chain. */
  readonly awsCredentials?: NonNullable<StsOptions["credentials"]>;
  readonly clock?: () => Date;
}

export class UnknownAccountError extends Error {
  override readonly name = "UnknownAccountError";
}

/** What it finds, as it comes. Throws UnknownAccountError where accounts.yaml does not have the account. */
export async function* runDoctor(options: DoctorOptions): AsyncGenerator<Finding> {
  const { config, account } = options;
  yield good("configuration", THE_BROKER, "the configuration is sound");
  const policy = await loadPolicy(config.policies);
  if (!policy.ok) {
    for (const fault of policy.error)
      yield bad("policy_set", THE_BROKER, fault, "correct it, and see: twokey policy check");
    return;
  }
  const { set } = policy.value;
  const accounts = set.accounts.filter(({ id }) => account === null || id === account);
  if (accounts.length === 0) throw new UnknownAccountError(`accounts.yaml has no account ${account ?? ""}`);
  yield good(
    "policy_set",
    THE_BROKER,
    `the policy set is sound: ${set.templates.length} templates, version ${set.digest}`,
  );
  const record = await openRecord(config);
  const { doctor, close } = parts(options, policy.value, record);
  try {
    yield* examine({ ...doctor, accounts });
  } finally {
    close();
    if (record.ok) await record.value.close();
  }
}

function parts(options: DoctorOptions, policy: ServedPolicy, record: Result<Store, RecordFault>) {
  const { config, simulate, awsCredentials: credentials = null, clock = () => new Date() } = options;
  const sts = createAssumeRole({ ...config.sts, credentials });
  const endpoint = config.awsEndpoint;
  const aws = createInspectAws({ sts: config.sts, endpoint, credentials });
  const stores: { close(): void }[] = [];
  const { dangerouslyAllowLoopbackHttpIssuers } = config;
  const fetching = { fetch: globalThis.fetch, timeoutMs: 5_000, dangerouslyAllowLoopbackHttpIssuers };
  const doctor: Omit<Doctor, "accounts"> = {
    ...{ policy, aws, simulate, clock, randomBytes, version: VERSION },
    ...{ assumeRole: sts.assumeRole, probeRole: sts.probeRole, stsEndpoint: config.sts.endpoint },
    policyStore: ({ region }) => {
      const store = createPolicyStore({ region, endpoint, credentials });
      stores.push(store);
      return store;
    },
    reachIssuer: (issuer) => reachIssuer(issuer, fetching),
    keys: keysSeen(config),
    record: record.ok ? ok(seenRecord(record.value)) : record,
    requestId: `req-${base32(randomBytes(10))}`,
    elapsed: () => performance.now(),
  };
  const close = (): void => {
    sts.close();
    aws.close();
    for (const store of stores) store.close();
  };
  return { doctor, close };
}

const seenRecord = (store: Store): DoctorRecord => ({
  audit: store,
  now: () => store.retention.daysAgo(0),
  signing: { tree: store.tree, verify: verifyEd25519 },
});

async function openRecord({ store }: Config): Promise<Result<Store, RecordFault>> {
  try {
    return ok(await openCurrentLog(store));
  } catch (error) {
    const message = error instanceof Error ? error.message : "the record cannot be opened";
    const reason =
      error instanceof FolderInUseError
        ? "in_use"
        : error instanceof OutdatedSchemaError
          ? "outdated"
          : "unavailable";
    return err({ reason, message });
  }
}

/** A broker on PostgreSQL starts with no key of its own making; beside an embedded store it makes what is missing. */
function keysSeen({ store, keys: { auditKey } }: Config): KeysSeen {
  if (auditKey === null) return err("TWOKEY_AUDIT_KEY_FILE names no key to sign the audit log with");
  const isFile = typeof auditKey === "string";
  if (store.url === null && isFile && !existsSync(auditKey)) return ok("none_yet");
  return openAuditKey(auditKey, false);
}
