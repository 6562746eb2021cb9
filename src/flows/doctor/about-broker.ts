/**
 * What doctor finds about the broker itself, before any account:
 *
 *   issuers' keys → record, its clock and key → who am I in AWS, through which endpoint, by which clock
 */
import { judgeCaller, judgeCallerAccount, judgeChained, judgeEndpoint } from "../../policy/doctor/caller.ts";
import { saidBy, type Caller } from "../../policy/doctor/aws.ts";
import { judgeClock } from "../../policy/doctor/clocks.ts";
import { bad, good, odd, THE_BROKER, type Finding } from "../../policy/doctor/finding.ts";
import { checkLog, type LogFault } from "../sign-checkpoint.ts";
import type { Doctor, DoctorRecord, RecordFault } from "./ports.ts";

export async function* issuers({ policy, reachIssuer }: Doctor): AsyncGenerator<Finding> {
  for (const issuer of policy.set.registry.issuers) {
    if (issuer.kind === "enrolled") {
      yield good("issuer", THE_BROKER, `issuer ${issuer.id}: its keys stand in agents.yaml`);
      continue;
    }
    const reached = await reachIssuer(issuer);
    yield reached.ok
      ? good("issuer", THE_BROKER, `issuer ${issuer.id}: its keys are there`)
      : bad(
          "issuer",
          THE_BROKER,
          `issuer ${issuer.id}: its keys cannot be had: ${reached.error}`,
          `let the broker reach ${issuer.jwksUri ?? issuer.issuer} over https, or correct the issuer in agents.yaml`,
        );
  }
}

const RECORD_FIX: Readonly<Record<RecordFault["reason"], string>> = {
  in_use:
    "stop the broker for so long and run doctor again, or keep the record in PostgreSQL, which both may have open",
  outdated: "start the broker of this version first: it brings the schema forward",
  unavailable: "see that the database runs and that the broker's user may use it",
};

export async function* theRecord(doctor: Doctor): AsyncGenerator<Finding> {
  const { record } = doctor;
  if (!record.ok) {
    const { reason, message } = record.error;
    const say = reason === "in_use" ? odd : bad;
    yield say("record", THE_BROKER, message, RECORD_FIX[reason]);
    yield odd("record_clock", THE_BROKER, "not checked: the record is not open", RECORD_FIX[reason]);
  } else {
    yield await readable(record.value);
    yield judgeClock("record_clock", "the database", (await recordTime(doctor, record.value)).ms);
  }
  yield await theKey(doctor).catch(() =>
    bad("audit_key", THE_BROKER, "not checked: the log cannot be read", RECORD_FIX.unavailable),
  );
}

const readable = ({ audit }: DoctorRecord): Promise<Finding> =>
  audit.size().then(
    (size) => good("record", THE_BROKER, `the record is there, with ${size} entries`),
    () => bad("record", THE_BROKER, "the record cannot be read", RECORD_FIX.unavailable),
  );

/** Another clock less this machine's, halfway through the call that read it; null where there is none to read. */
async function ahead<T>({ clock }: Doctor, read: () => Promise<T>, timeIn: (read: T) => Date | null) {
  const before = clock().getTime();
  const value = await read();
  const there = timeIn(value);
  const ms = there === null ? null : there.getTime() - (before + clock().getTime()) / 2;
  return { value, ms };
}

const recordTime = (doctor: Doctor, { now }: DoctorRecord) =>
  ahead(
    doctor,
    () => now().catch(() => null),
    (time) => time,
  );

const LOG_FAULTS: Readonly<Record<LogFault["reason"], string>> = {
  rolled_back: "the audit log is shorter than what was signed: the database was rolled back",
  forked: "the audit log is not what was signed before",
  not_signed: "the last checkpoint in the record was signed by another key, or by none",
};

async function theKey({ keys, record }: Doctor): Promise<Finding> {
  const id = "audit_key";
  if (!keys.ok)
    return bad(
      id,
      THE_BROKER,
      keys.error,
      "give the broker the key that signed the log; a new one: twokey audit key --new <file>",
    );
  if (!record.ok)
    return odd(
      id,
      THE_BROKER,
      "the key can be read; not checked against the log, which is not open",
      RECORD_FIX[record.error.reason],
    );
  const { signing } = record.value;
  if (keys.value === "none_yet") {
    return (await signing.tree.latestCheckpoint()) === null
      ? good(id, THE_BROKER, "there is none yet: the broker makes it at its first start")
      : bad(id, THE_BROKER, "the log was signed, and the key is gone", "put the file back from its backup");
  }
  const all = { ...signing, key: keys.value };
  // A broker that signs meanwhile makes the head look old; the second look sees what it signed.
  const first = await checkLog(all, null);
  const checked = first.ok ? first : await checkLog(all, null);
  if (!checked.ok) return bad(id, THE_BROKER, LOG_FAULTS[checked.error.reason], "run: twokey audit verify");
  const { last } = checked.value;
  return good(
    id,
    THE_BROKER,
    last === null
      ? "the key can be read, and nothing is signed yet"
      : `the log continues the ${last.size} entries that the key signed`,
  );
}

/** What STS says of the caller; null where it says nothing. */
export async function* theCaller(doctor: Doctor): AsyncGenerator<Finding, Caller | null> {
  const [account] = doctor.policy.set.accounts;
  const region = account?.region ?? "us-east-1";
  const { value: seen, ms } = await ahead(
    doctor,
    () => doctor.aws.caller(region),
    ({ time }) => time,
  );
  const { caller } = seen;
  if (caller.ok) {
    yield judgeCaller(caller.value);
    yield judgeCallerAccount(caller.value, doctor.policy.set.accounts);
    yield judgeChained(caller.value);
  } else
    yield bad(
      "caller",
      THE_BROKER,
      `AWS does not say who the broker is: ${saidBy(caller.error)}`,
      "give the broker AWS credentials (a role of its machine, container or pod), and a way to STS",
    );
  yield judgeEndpoint(seen, doctor.stsEndpoint);
  yield judgeClock("clock", "AWS", ms);
  return caller.ok ? caller.value : null;
}
