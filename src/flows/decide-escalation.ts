/**
 * A person decides:
 *
 *   escalation → challenge → passkey → eligibility → reason → assertion verified → decision recorded (→ session ends)
 *
 * The assertion is over the escalation's digest, the verdict and the person, so it is good for nothing else. What can
 * change meanwhile is asked again inside the transaction that writes the decision, by the database's clock, and that
 * transaction spends the challenge. This is the only way in to a decision: no agent, chat or webhook has another.
 */
import { decisionChallenge } from "../escalation/digest.ts";
import { counting, ineligible, type Ineligible } from "../escalation/eligibility.ts";
import type {
  Escalation,
  EscalationEvent,
  EscalationFault,
  PasskeyEvidence,
  Verdict,
} from "../escalation/escalation.ts";
import type { Changed, ChangeRefusal } from "../escalation/store.ts";
import type { Failure } from "../failure.ts";
import { personOf } from "../identity/approver.ts";
import type { Passkey } from "../identity/human-store.ts";
import type { Person } from "../identity/registry.ts";
import type { UnverifiedAssertion } from "../identity/webauthn.ts";
import { err, ok, type Result } from "../result.ts";
import type { Broker } from "./admit.ts";
import { peopleNow, refusePerson, type PersonCall, type Viewer } from "./admit-person.ts";
import { enforceSoon } from "./freeze.ts";

/** Syntax checked, nothing else. */
export interface UnverifiedDecision {
  readonly escalation: string;
  readonly verdict: Verdict;
  readonly nonce: string;
  readonly assertion: UnverifiedAssertion;
  readonly reason: string | null;
}

/** What a `decide` challenge is for; see Challenge.subject. */
export const decisionSubject = (escalation: string, verdict: Verdict): string => `${escalation} ${verdict}`;

/** The escalation as it is now. Every refusal is recorded. */
export async function decideEscalation(
  broker: Broker,
  viewer: Viewer,
  call: PersonCall,
  unverified: UnverifiedDecision,
): Promise<Result<Escalation, Failure>> {
  try {
    const checked = await check(broker, viewer, unverified);
    const changed = checked.ok ? await write(broker, call, viewer, checked.value) : checked;
    if (!changed.ok) {
      // An id that is not there is the browser's own text, and no escalation's.
      const about = changed.error.code === "not_found" ? null : unverified.escalation;
      return err(await refusePerson(broker, call, viewer.person, changed.error, about));
    }
    const { escalation, freeze } = changed.value;
    // The denial stands whatever AWS says: what it has not taken yet is tried again.
    if (freeze) await enforceSoon(broker);
    return ok(escalation);
  } catch {
    return err({ code: "record_unavailable", step: "entry" });
  }
}

/** A decision whose signature was verified. What the database may still change is asked again when it is written. */
interface VerifiedDecision {
  readonly escalation: Escalation;
  readonly verdict: Verdict;
  readonly passkey: Passkey;
  readonly counter: number;
  readonly evidence: PasskeyEvidence;
  readonly reason: string | null;
  readonly people: readonly Person[];
}

async function check(
  broker: Broker,
  viewer: Viewer,
  unverified: UnverifiedDecision,
): Promise<Result<VerifiedDecision, Failure>> {
  const { verdict, nonce, assertion } = unverified;
  const escalation = await broker.escalations.find(unverified.escalation);
  if (escalation === null) return err({ code: "not_found" });
  const challenge = await broker.humans.findChallenge(nonce);
  const wanted = {
    purpose: "decide",
    person: viewer.person.id,
    subject: decisionSubject(escalation.id, verdict),
  };
  if (
    challenge?.purpose !== wanted.purpose ||
    challenge.person !== wanted.person ||
    challenge.subject !== wanted.subject
  ) {
    return refusedKey("the challenge is not for this decision");
  }
  const people = await peopleNow(broker);
  const passkey = await ownPasskey(broker, viewer, people, assertion.id);
  if (!passkey.ok) return passkey;
  const allowed = mayDecide(viewer, escalation, verdict, people);
  if (!allowed.ok) return allowed;
  const reason = readReason(verdict, unverified.reason);
  if (!reason.ok) return reason;

  const { digest } = escalation;
  const verified = await broker.webauthn.verifyAssertion(assertion, {
    challenge: decisionChallenge({ nonce, digest, verdict, person: viewer.person.id }),
    site: broker.site,
    passkey: passkey.value,
  });
  if (!verified.ok) return refusedKey(verified.error);
  const evidence = evidenceOf(broker, passkey.value, unverified);
  const { counter } = verified.value;
  return ok({ escalation, verdict, passkey: passkey.value, counter, evidence, reason: reason.value, people });
}

const refusedKey = (reason: string): Result<never, Failure> => err({ code: "passkey_refused", reason });

/** The key must be this person's when it was enrolled and now, by the account it was enrolled with. */
async function ownPasskey(
  broker: Broker,
  viewer: Viewer,
  people: readonly Person[],
  credentialId: string,
): Promise<Result<Passkey, Failure>> {
  const passkey = await broker.humans.passkey(credentialId);
  if (passkey === null) return refusedKey("nobody enrolled this passkey");
  if (passkey.removedAt !== null) return refusedKey("the passkey was removed");
  const { id } = viewer.person;
  const theirs = passkey.person === id && personOf(passkey.account, people)?.id === id;
  return theirs ? ok(passkey) : refusedKey("the passkey is another person's");
}

/** By people.yaml as it is served now, whatever it said when the person signed in. */
function mayDecide(
  viewer: Viewer,
  escalation: Escalation,
  verdict: Verdict,
  people: readonly Person[],
): Result<Person, Failure> {
  const person = personOf(viewer.account, people);
  const reason = ineligible(person, escalation.content, verdict);
  if (reason !== null) return err(eligibilityFailure(reason, viewer));
  return person?.id === viewer.person.id ? ok(person) : err(notAPerson(viewer));
}

function eligibilityFailure(ineligible: Ineligible, viewer: Viewer): Failure {
  switch (ineligible.reason) {
    case "nobody":
      return notAPerson(viewer);
    case "owner":
      return { code: "owner_cannot_approve" };
    case "not_in_group":
      return { code: "not_an_approver", groups: ineligible.groups };
  }
}

const notAPerson = ({ account: { issuer, subject } }: Viewer): Failure => ({
  code: "not_a_person",
  issuer,
  subject,
});

const LONGEST_REASON = 2000;
/** It goes to the agent's terminal: line breaks and tabs, and no other control character. */
const SAFE_TEXT = /^(?:[\n\t]|[^\p{Cc}\p{Cs}])*$/u;

function readReason(verdict: Verdict, unverifiedReason: string | null): Result<string | null, Failure> {
  const reason = unverifiedReason === "" ? null : unverifiedReason;
  const problem =
    reason === null
      ? verdict === "deny"
        ? "a denial needs a reason: it is what the agent is told"
        : null
      : reason.length > LONGEST_REASON
        ? `has at most ${LONGEST_REASON} characters`
        : SAFE_TEXT.test(reason)
          ? null
          : "holds a control character";
  return problem === null
    ? ok(reason)
    : err({ code: "invalid_request", faults: [{ at: "reason", problem }] });
}

function evidenceOf(broker: Broker, passkey: Passkey, unverified: UnverifiedDecision): PasskeyEvidence {
  const { clientDataJSON, authenticatorData, signature } = unverified.assertion.response;
  return {
    kind: "passkey",
    credentialId: passkey.credentialId,
    publicKey: passkey.publicKey,
    nonce: unverified.nonce,
    origin: broker.site.origin,
    rpId: broker.site.rpId,
    clientDataJSON,
    authenticatorData,
    signature,
  };
}

async function write(
  broker: Broker,
  call: PersonCall,
  viewer: Viewer,
  decision: VerifiedDecision,
): Promise<Result<Changed, Failure>> {
  const { escalation, verdict, passkey, counter, evidence, reason, people } = decision;
  const context = {
    requestId: call.requestId,
    policyVersion: broker.policy.set.digest,
    nonce: evidence.nonce,
    counter: { credentialId: passkey.credentialId, value: counter },
  };
  const choose = (locked: Escalation, now: Date): Result<EscalationEvent, Failure> => {
    // The signature is over this digest and no other.
    if (locked.digest !== escalation.digest) return refusedKey("the escalation is another one");
    if (now < passkey.countsFrom) return err({ code: "passkey_too_new", countsFrom: passkey.countsFrom });
    const person = mayDecide(viewer, locked, verdict, people);
    if (!person.ok) return person;
    const decided = { verdict, person: person.value.id, account: passkey.account, reason, evidence };
    return ok({ kind: "decided", decision: decided, counting: counting(locked.content, people) });
  };
  const changed = await broker.escalations.change<Failure>(escalation.id, context, choose);
  return changed.ok ? changed : err(changeFailure(escalation.id, changed.error));
}

function changeFailure(id: string, refusal: ChangeRefusal<Failure>): Failure {
  switch (refusal.reason) {
    case "not_found":
      return { code: "not_found" };
    case "nonce_used":
      return { code: "passkey_refused", reason: "the challenge was used or is over" };
    case "refused":
      return refusal.failure;
    case "machine":
      return faultFailure(id, refusal.fault);
  }
}

function faultFailure(id: string, fault: EscalationFault): Failure {
  if (fault.reason === "already_decided") return { code: "already_decided", escalation: id };
  return fault.reason === "closed" && fault.state !== "expired"
    ? { code: "escalation_closed", escalation: id, state: fault.state }
    : { code: "expired_token", escalation: id };
}
