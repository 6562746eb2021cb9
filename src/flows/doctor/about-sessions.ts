/**
 * What doctor finds by asking STS itself, on each AI role of an account:
 *
 *   the right call → a session that may do nothing, timed → the same call without one thing, for each thing → refused
 *
 * Each goes the one way on which credentials are minted (intent → STS → outcome), so the record has every call that was
 * made. What STS issues is dropped at once: nothing is delivered to anybody.
 */
import type { Failure } from "../../failure.ts";
import type { Agent } from "../../identity/agent.ts";
import { READER_AGENT } from "../../policy/change-set-reader.ts";
import { bad, good, odd, type Finding, type Subject } from "../../policy/doctor/finding.ts";
import { isDenied } from "../../policy/doctor/needs.ts";
import { lacksOf, NO_ESCALATION, type Lack } from "../../policy/doctor/role-call.ts";
import { DENIES_EVERYTHING, DOCTOR_TEMPLATE, doctorPlan } from "../../policy/doctor/session.ts";
import { ESCALATION_TAG } from "../../policy/role-trust.ts";
import { ROLE_NAMES, type Account, type RoleName } from "../../policy/set.ts";
import type { Result } from "../../result.ts";
import type { AssumeRole, AssumeRoleRequest, ProbeRequest } from "../../session/assume-role.ts";
import { attempt, type Issued } from "../issue-credentials.ts";
import type { Doctor, DoctorRecord } from "./ports.ts";

/** Slower than this, agents notice. */
const SLOW_MS = 2_000;

export async function* theSessions(doctor: Doctor, account: Account): AsyncGenerator<Finding> {
  const { record } = doctor;
  if (!record.ok) {
    for (const id of ["assume", "trust_refuses", "time_to_mint"] as const)
      yield odd(
        id,
        { account: account.id, role: null },
        "not tried: no session is asked for without a record of it",
        "see the finding about the record",
      );
    return;
  }
  const times: number[] = [];
  for (const role of ROLE_NAMES) {
    const trying = { doctor, record: record.value, account, role };
    const started = doctor.elapsed();
    const issued = await trySession(trying, null);
    const took = doctor.elapsed() - started;
    if (issued.ok) times.push(took);
    yield judgeAssume(trying, issued);
    yield issued.ok ? await refusals(trying) : notTried(trying);
  }
  yield judgeTime({ account: account.id, role: null }, times);
}

interface Trying {
  readonly doctor: Doctor;
  readonly record: DoctorRecord;
  readonly account: Account;
  readonly role: RoleName;
}

const subjectOf = ({ account, role }: Trying): Subject => ({ account: account.id, role });

/** `lack`: what the call goes without; null: it is right. */
function trySession(trying: Trying, lack: Lack | null): Promise<Result<Issued, Failure>> {
  const { doctor, record, account, role } = trying;
  const agent: Agent = {
    ...{ name: READER_AGENT, owner: READER_AGENT, templates: [] },
    proof: { issuer: READER_AGENT, subject: DOCTOR_TEMPLATE },
  };
  const what = lack === null ? "as Twokey does" : `when the call ${lack.lacks}`;
  const task = { id: null, intent: "observe", summary: `Doctor: can ${role} be assumed ${what}?` } as const;
  const { policy, clock, randomBytes, requestId } = doctor;
  return attempt(
    {
      broker: { policy, audit: record.audit, assumeRole: assumeWithout(trying, lack), clock, randomBytes },
      call: { requestId, route: "twokey doctor" },
      agent,
    },
    { plan: doctorPlan(account, role), task, idempotency: null, grant: null },
  );
}

function assumeWithout({ doctor, role }: Trying, lack: Lack | null): AssumeRole {
  return (request) => {
    // Whatever else is changed in here, these calls must never ask for a session that can do something.
    if (request.policy !== DENIES_EVERYTHING.policy)
      throw new Error("a session of doctor's denies everything");
    const called = asCalled(request, role);
    if (lack !== null) return doctor.probeRole(lack.of(probeOf(called)));
    return doctor.assumeRole(called);
  };
}

/** The escalated role takes no session without an escalation: there is none here, so a name stands in that nobody has. */
const asCalled = (request: AssumeRoleRequest, role: RoleName): AssumeRoleRequest =>
  role === "escalated"
    ? { ...request, tags: [...request.tags, { key: ESCALATION_TAG, value: NO_ESCALATION }] }
    : request;

const probeOf = (request: AssumeRoleRequest): ProbeRequest => ({
  ...request,
  transitiveKeys: request.tags.map(({ key }) => key),
});

function judgeAssume(trying: Trying, issued: Result<Issued, Failure>): Finding {
  const id = "assume";
  const subject = subjectOf(trying);
  if (issued.ok) return good(id, subject, "STS issues a session on the role, tagged and named");
  const { error } = issued;
  if (error.code === "sts_refused" && isDenied(error.stsCode)) {
    const statement = { Effect: "Allow", Action: ASSUMING, Resource: trying.account.roles[trying.role] };
    const line = `STS refuses the session that Twokey asks for: ${error.stsCode}: ${error.message}`;
    return bad(
      id,
      subject,
      line,
      `allow the broker ${JSON.stringify(statement)}, and see the role's trust policy`,
    );
  }
  if ("stsCode" in error) {
    const line = `STS gives no session: ${error.stsCode}: ${error.message}`;
    return bad(
      id,
      subject,
      line,
      "see that the broker reaches STS and that its region is enabled, and run doctor again",
    );
  }
  return error.code === "frozen" || error.code === "session_frozen"
    ? odd(id, subject, "not tried: it is frozen", "thaw it when what it was frozen for is over: twokey thaw")
    : bad(id, subject, `no session could be asked for (${error.code})`, "see that the record can be written");
}

const ASSUMING = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"] as const;

/** Refused for a reason of its own each, or the trust policy does not demand what it must. */
async function refusals(trying: Trying): Promise<Finding> {
  const id = "trust_refuses";
  const subject = subjectOf(trying);
  const [open, unclear]: [Lack[], string[]] = [[], []];
  const lacks = lacksOf(trying.role);
  for (const lack of lacks) {
    const tried = await trySession(trying, lack);
    if (tried.ok) open.push(lack);
    else if (!isRefusal(tried.error)) unclear.push(`when the call ${lack.lacks} (${tried.error.code})`);
  }
  if (open.length > 0) {
    const when = open.map(({ lacks: what }) => what).join("; ");
    const must = open.map(({ demand }) => demand).join("; ");
    return bad(
      id,
      subject,
      `STS issued a session although the call ${when}`,
      `deploy the AI roles again: the trust policy must demand ${must}`,
    );
  }
  return unclear.length > 0
    ? odd(id, subject, `not known whether STS refuses ${unclear.join("; ")}`, "run doctor again")
    : good(id, subject, `STS refused each of ${lacks.length} calls that lack something`);
}

const isRefusal = (failure: Failure): boolean => failure.code === "sts_refused" && isDenied(failure.stsCode);

const notTried = (trying: Trying): Finding =>
  odd(
    "trust_refuses",
    subjectOf(trying),
    "not tried: the right call brings no session either, so refusals would show nothing",
    "see the finding before this one",
  );

function judgeTime(subject: Subject, times: readonly number[]): Finding {
  const id = "time_to_mint";
  if (times.length === 0)
    return odd(id, subject, "not known: no session was issued", "see the findings about assuming the roles");
  const slowest = Math.round(Math.max(...times));
  return slowest > SLOW_MS
    ? odd(
        id,
        subject,
        `a session takes ${slowest} ms`,
        "put the broker nearer to STS (the account's region) and to its database",
      )
    : good(id, subject, `a session takes ${slowest} ms, its two records included`);
}
