/**
 * `twokey doctor`: is everything the broker stands on as it must be?
 *
 *   issuers → record and its key → who am I in AWS → each account: roles as they must be, as IAM has them, the broker's
 *   rights, published policies, sessions tried at STS → what was found is recorded
 *
 * Changes nothing in AWS: it reads, asks IAM's simulator, and asks STS for sessions that may do nothing. What could not
 * be looked at is never good. One finding after the other, as they come.
 */
import type { Entry } from "../audit/entry.ts";
import type { AiRole } from "../policy/ai-roles.ts";
import { saidBy, type Caller } from "../policy/doctor/aws.ts";
import { bad, good, odd, THE_BROKER, type Finding } from "../policy/doctor/finding.ts";
import { fixFor } from "../policy/doctor/needs.ts";
import { judgePublished } from "../policy/doctor/published.ts";
import type { Account } from "../policy/set.ts";
import { issuers, theCaller, theRecord } from "./doctor/about-broker.ts";
import { theRights } from "./doctor/about-rights.ts";
import { brokerArn, expectedRoles, notOurAccount, theRoles } from "./doctor/about-roles.ts";
import { theSessions } from "./doctor/about-sessions.ts";
import type { Doctor } from "./doctor/ports.ts";
import { theReplay } from "./doctor/replay.ts";
import { planPublish } from "./publish-policies.ts";

export async function* examine(doctor: Doctor): AsyncGenerator<Finding> {
  const found: Finding[] = [];
  const seen = { caller: null as Caller | null };
  for await (const finding of findings(doctor, seen)) {
    found.push(finding);
    yield finding;
  }
  yield await recordFindings(doctor, found, seen.caller);
}

async function* findings(doctor: Doctor, seen: { caller: Caller | null }): AsyncGenerator<Finding> {
  yield* issuers(doctor);
  yield* theRecord(doctor);
  const caller = yield* theCaller(doctor);
  seen.caller = caller;
  for (const account of doctor.accounts) {
    if (caller?.account === account.id) yield* ownAccount(doctor, account, caller);
    else yield* notOurAccount(account, caller);
    yield* theSessions(doctor, account);
    if (doctor.simulate) yield* theReplay(doctor, account);
  }
}

async function* ownAccount(doctor: Doctor, account: Account, caller: Caller): AsyncGenerator<Finding> {
  const broker = await brokerArn(doctor, account, caller);
  if (!broker.ok) {
    const subject = { account: account.id, role: null };
    const line = `not known what the roles must be, as the broker's own role is not: ${saidBy(broker.error)}`;
    yield bad("expected_roles", subject, line, fixFor(broker.error, caller.arn));
  } else {
    const roles = yield* expectedRoles(doctor, account, broker.value);
    if (roles !== null) yield* asTheyMustBe(doctor, account, { broker: broker.value, roles });
  }
  yield await published(doctor, account);
}

async function* asTheyMustBe(
  doctor: Doctor,
  account: Account,
  must: { readonly broker: string; readonly roles: readonly AiRole[] },
): AsyncGenerator<Finding> {
  const subject = { account: account.id, role: null };
  yield good("expected_roles", subject, `the broker is ${must.broker}, for which the roles must be made`);
  yield* theRoles(doctor, account, must);
  yield* theRights(doctor, account, must);
}

async function published(doctor: Doctor, account: Account): Promise<Finding> {
  const subject = { account: account.id, role: null };
  const id = "published";
  const fix = fixFor({ action: "iam:ListPolicies", code: "AccessDenied", message: "" }, "*");
  try {
    const publisher = { store: doctor.policyStore(account), sessions: null, clock: doctor.clock };
    const plan = await planPublish(publisher, doctor.policy, account.id);
    return plan.ok
      ? judgePublished(subject, plan.value)
      : odd(id, subject, `not checked: the credentials are of account ${plan.error.actual}`, fix);
  } catch (error) {
    // Its message may quote the request; its name is AWS's code.
    const name = error instanceof Error ? error.name : "no answer";
    return odd(id, subject, `not checked: IAM answered ${name}`, fix);
  }
}

async function recordFindings(
  { record, policy, version, clock, requestId }: Doctor,
  found: readonly Finding[],
  caller: Caller | null,
): Promise<Finding> {
  const id = "record_written";
  if (!record.ok)
    return odd(id, THE_BROKER, "not recorded: the record is not open", "see the finding about the record");
  const count = (wanted: Finding["status"]): number => found.filter(({ status }) => status === wanted).length;
  const nobody = { agent: null, owner: null, person: null, session: null, escalation: null };
  const entry: Entry = {
    ...{ kind: "doctor.ran", at: clock(), requestId, ...nobody, policyVersion: policy.set.digest },
    detail: {
      version,
      caller: caller?.arn ?? null,
      counts: { ok: count("ok"), warning: count("warning"), fault: count("fault") },
      found: found.flatMap(({ id: check, account, role, status }) =>
        status === "ok" ? [] : [{ id: check, account, role, status }],
      ),
      by: "operator",
    },
  };
  try {
    const { entry: index } = await record.value.audit.append(entry);
    return good(id, THE_BROKER, `what was found is entry ${index} of the audit log`);
  } catch {
    return bad(
      id,
      THE_BROKER,
      "the record takes no entry, so nothing can be minted",
      "see that the database can be written and has room",
    );
  }
}
