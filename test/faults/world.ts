/**
 * What the harness's brokers run on: one PostgreSQL cluster, one local AWS behind a front, one policy set, agents and
 * two people with passkeys. Brokers come and go; this stays, and so does what it has seen.
 */
import { createHash, randomBytes } from "node:crypto";
import { openAuditLog } from "../../src/adapters/postgres/audit-log.ts";
import { demoAccount } from "../../src/cli/demo/world.ts";
import { enrolApprover } from "../../src/cli/demo/approver.ts";
import type { Config } from "../../src/config.ts";
import { loadPolicy, localAws } from "../../src/wire/tools.ts";
import { startPostgres, type Postgres } from "../support/postgres.ts";
import { fetchNoting } from "../support/secrets.ts";
import { testConfig } from "../support/test-broker.ts";
import type { Person } from "./load.ts";
import { workersOf, type Worker } from "./load.ts";
import { faultPolicies, PEOPLE } from "./policies.ts";
import { reconciler } from "./reconcile.ts";
import { readRecord, type RecordReader } from "./record.ts";
import { nothingSeen, type Mints, type Seen } from "./seen.ts";
import { startStsFront, type StsFront } from "./sts-front.ts";

export const ORIGIN = "https://twokey.example.com";
export const BROKER_KEYS = { accessKeyId: "AKIABROKER0000000001", secretAccessKey: "CANARYbrokersecretkey" };

export interface FaultWorld {
  readonly postgres: Postgres;
  readonly sts: StsFront;
  readonly mints: Mints;
  readonly record: RecordReader;
  readonly seen: Seen;
  readonly workers: readonly Worker[];
  /** Of a broker on this world. */
  readonly config: Config;
  /** Enrols the two who decide, at a running broker. They go on at whatever broker `url` names then. */
  readonly enrol: (url: () => string) => Promise<readonly Person[]>;
  /** What is wrong in the record since the last look. */
  readonly faults: () => Promise<readonly string[]>;
  readonly close: () => Promise<void>;
}

export interface WorldOptions {
  readonly minters: number;
  readonly escalators: number;
  /** A cluster of the test's own. */
  readonly postgres?: Postgres;
}

export async function startFaultWorld(options: WorldOptions): Promise<FaultWorld> {
  const { folder, agents } = await faultPolicies(options.minters + options.escalators);
  const policy = await loadPolicy(folder);
  if (!policy.ok) throw new Error(policy.error.join("\n"));
  const [account] = policy.value.set.accounts;
  const postgres = options.postgres ?? (await startPostgres());
  if (postgres === null || account === undefined) throw new Error("the harness needs PostgreSQL");
  const aws = await localAws({ accounts: [demoAccount(account, BROKER_KEYS)], region: account.region });
  const sts = await startStsFront((await aws.listen()).url);
  const config: Config = {
    ...testConfig(folder, sts.url),
    store: { url: postgres.url, folder: null },
    awsEndpoint: sts.url,
    publicUrl: ORIGIN,
  };
  // The schema stands before the first look at it.
  await (await openAuditLog(config.store)).close();
  const record = readRecord(postgres.url);
  const seen = nothingSeen();
  const mints = (): ReturnType<Mints> => aws.state.mints();
  return {
    postgres,
    sts,
    mints,
    record,
    seen,
    workers: workersOf(agents, options.escalators),
    config,
    enrol: (url) => enrolPeople(config, seen, url),
    faults: reconciler(record, { seen, mints, calls: sts.calls }),
    close: async () => {
      await record.close();
      await Promise.all([sts.close(), aws.close()]);
      await postgres.stop();
    },
  };
}

async function enrolPeople(
  config: Config,
  { tokens, problems }: Seen,
  url: () => string,
): Promise<readonly Person[]> {
  const site = {
    get url() {
      return url();
    },
    origin: ORIGIN,
  };
  const store = await openAuditLog(config.store);
  const people: Person[] = [];
  for (const id of PEOPLE) {
    const token = randomBytes(20).toString("base64url");
    tokens.push(token);
    const tokenDigest = createHash("sha256").update(token).digest("hex");
    const context = { requestId: null, policyVersion: "harness", person: null };
    await store.humans.invite({ tokenDigest, person: id, lifetimeSeconds: 3600 }, context);
    const link = `${ORIGIN}/invitation#${token}`;
    const { decide } = await enrolApprover(site, link, fetchNoting(tokens));
    people.push({
      id,
      approver: {
        decide: async (...decision) => {
          const answer = await decide(...decision);
          if (answer.status >= 400) problems.push(JSON.stringify(answer.body));
          return answer;
        },
      },
    });
  }
  await store.close();
  return people;
}
