/**
 * What a person's passkey is to sign for one decision: over the escalation's digest as the page showed it, the verdict,
 * the person and a fresh nonce. Decides nothing; decide-escalation.ts does.
 */
import { decisionChallenge } from "../escalation/digest.ts";
import type { Verdict } from "../escalation/escalation.ts";
import type { Failure } from "../failure.ts";
import { assertionOptions, type AssertionOptions } from "../identity/challenge.ts";
import { err, ok, type Result } from "../result.ts";
import type { Broker } from "./admit.ts";
import { refusePerson, type PersonCall, type Viewer } from "./admit-person.ts";
import { newChallenge, passkeysOf, type Asked } from "./confirm.ts";
import { decisionSubject } from "./decide-escalation.ts";

/** What the page says it shows, and what is to be decided. */
interface UnverifiedQuestion {
  readonly escalation: string;
  readonly digest: string;
  readonly verdict: Verdict;
}

type Answer = Promise<Result<Asked<AssertionOptions>, Failure>>;

export async function askDecision(
  broker: Broker,
  viewer: Viewer,
  call: PersonCall,
  unverified: UnverifiedQuestion,
): Answer {
  try {
    return await ask(broker, viewer, call, unverified);
  } catch {
    return err({ code: "record_unavailable", step: "read" });
  }
}

async function ask(
  broker: Broker,
  { person }: Viewer,
  call: PersonCall,
  unverified: UnverifiedQuestion,
): Answer {
  const escalation = await broker.escalations.find(unverified.escalation);
  // A page that showed something else is not this escalation's.
  if (escalation?.digest !== unverified.digest) {
    return err(await refusePerson(broker, call, person, { code: "not_found" }));
  }
  const passkeys = await passkeysOf(broker, person);
  if (passkeys.length === 0) {
    const reason = "there is no passkey to decide with";
    return err(await refusePerson(broker, call, person, { code: "passkey_refused", reason }));
  }
  const { verdict } = unverified;
  const subject = decisionSubject(escalation.id, verdict);
  const { nonce } = await newChallenge(broker, "decide", person, subject);
  const { digest } = escalation;
  const challenge = decisionChallenge({ nonce, digest, verdict, person: person.id });
  return ok({ nonce, publicKey: assertionOptions(challenge, broker.site, passkeys) });
}
