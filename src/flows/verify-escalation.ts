/**
 * Re-checks an escalation from its audit entries alone, without believing the broker that wrote them: the digest over
 * the stored bytes → every decision's signature → who they were → the order of states → what was minted.
 *
 * The log is believed to hold what was written, which its tree proves; nothing in an entry is believed because it is
 * there. Groups are as the entry of each decision froze them: people.yaml of that day is not in the log.
 */
import type { StoredEntry } from "../audit/entry.ts";
import { decisionChallenge, escalationDigest } from "../escalation/digest.ts";
import type { Escalation, EscalationContent, EscalationEvent } from "../escalation/escalation.ts";
import { apply } from "../escalation/machine.ts";
import type { Webauthn } from "../identity/webauthn.ts";
import { compiledDigest } from "../policy/compiled.ts";
import { canonicalJson } from "../policy/digest.ts";

/** `holds` null: these entries cannot tell. */
export interface Finding {
  readonly holds: boolean | null;
  readonly text: string;
}

type Of<Kind extends StoredEntry["kind"]> = Extract<StoredEntry, { kind: Kind }>;
type Requested = Of<"escalation.requested">;
type Decided = Of<"escalation.decided">;

/** `entries`: of the escalation, and `passkey.enrolled` and `passkey.removed` where they are known. Any order. */
export async function verifyEscalation(
  id: string,
  entries: readonly StoredEntry[],
  webauthn: Pick<Webauthn, "verifyAssertion">,
): Promise<readonly Finding[]> {
  const all = [...entries].sort((a, b) => a.index - b.index);
  const own = all.filter(({ escalation }) => escalation === id);
  const requests = own.filter((entry) => entry.kind === "escalation.requested");
  const [request] = requests;
  if (request === undefined || requests.length > 1) {
    return [{ holds: false, text: `${id} was requested once: ${requests.length} times` }];
  }
  const content = readContent(request);
  if (content === null) return [{ holds: false, text: "the content is canonical JSON of an escalation" }];
  const decisions = own.filter((entry) => entry.kind === "escalation.decided");
  const signatures = await Promise.all(
    decisions.map((entry) => checkSignature(entry, request.detail.digest, webauthn)),
  );
  return [
    ...checkDigest(id, request, content),
    ...decisions.flatMap((entry, place) => [
      ...(signatures[place] ?? []),
      ...checkPasskey(entry, all),
      ...checkPerson(entry, content),
    ]),
    ...checkTogether(decisions, content),
    ...checkStates(request, content, own),
    ...checkMint(content, own),
  ];
}

const finding = (holds: boolean | null, text: string): Finding => ({ holds, text });

function readContent({ detail }: Requested): EscalationContent | null {
  try {
    const content = JSON.parse(detail.content) as EscalationContent;
    return canonicalJson(content) === detail.content && ["session", "policy"].includes(content.kind)
      ? content
      : null;
  } catch {
    return null;
  }
}

function checkDigest(id: string, { detail }: Requested, content: EscalationContent): Finding[] {
  return [
    finding(content.id === id, "the content names this escalation"),
    finding(
      escalationDigest(detail.content) === detail.digest,
      `the digest ${detail.digest} is of the content`,
    ),
  ];
}

async function checkSignature(
  { detail, person }: Decided,
  digest: string,
  webauthn: Pick<Webauthn, "verifyAssertion">,
): Promise<Finding[]> {
  const { decision } = detail;
  const { evidence, verdict } = decision;
  const { credentialId, publicKey, clientDataJSON, authenticatorData, signature, origin, rpId } = evidence;
  const assertion = {
    id: credentialId,
    rawId: credentialId,
    type: "public-key",
    response: { clientDataJSON, authenticatorData, signature },
    clientExtensionResults: {},
  };
  const signed = await webauthn.verifyAssertion(assertion, {
    challenge: challengeOf(decision, digest),
    site: { origin, rpId },
    // The counter was compared when it was decided; here it would be compared with itself.
    passkey: { credentialId, publicKey, counter: 0 },
  });
  const who = `${decision.person}'s passkey signed ${verdict} of this digest, with user verification, at ${origin}`;
  return [
    finding(signed.ok, signed.ok ? who : `${who}: ${signed.error}`),
    finding(
      detail.digest === digest && person === decision.person,
      `the entry of ${decision.person}'s decision is about this digest and that person`,
    ),
  ];
}

/** Fields that are no single words make no challenge, which no signature fits. */
function challengeOf({ evidence, verdict, person }: Decided["detail"]["decision"], digest: string): string {
  try {
    return decisionChallenge({ nonce: evidence.nonce, digest, verdict, person });
  } catch {
    return "";
  }
}

/** That the key was this person's before it decided, where the log's entries of keys are at hand. */
function checkPasskey(entry: Decided, all: readonly StoredEntry[]): Finding[] {
  const { decision } = entry.detail;
  const { credentialId } = decision.evidence;
  const text = `${decision.person}'s passkey was enrolled and decided from a time before, and was not removed`;
  if (!all.some(({ kind }) => kind === "passkey.enrolled")) return [finding(null, text)];
  const before = all.filter(({ index }) => index < entry.index);
  const enrolled = before.find(
    (known): known is Of<"passkey.enrolled"> =>
      known.kind === "passkey.enrolled" && known.detail.credentialId === credentialId,
  );
  const removed = before.some(
    ({ kind, detail }) =>
      kind === "passkey.removed" && "credentialId" in detail && detail.credentialId === credentialId,
  );
  const theirs =
    enrolled?.person === decision.person &&
    enrolled.detail.publicKey === decision.evidence.publicKey &&
    canonicalJson(enrolled.detail.account) === canonicalJson(decision.account) &&
    time(enrolled.detail.countsFrom) <= time(entry.at);
  return [finding(theirs && !removed, text)];
}

function checkPerson({ detail }: Decided, content: EscalationContent): Finding[] {
  const { decision, counting } = detail;
  if (decision.verdict === "deny") return [];
  const owner = content.kind === "session" ? content.owner : null;
  return [
    finding(decision.person !== owner, `${decision.person} is not the agent's owner`),
    finding(
      counting.includes(decision.person) && (owner === null || !counting.includes(owner)),
      `${decision.person}'s approval counted then, by the groups ${content.rule.groups.join(", ")}`,
    ),
  ];
}

function checkTogether(decisions: readonly Decided[], content: EscalationContent): Finding[] {
  const evidence = decisions.map(({ detail }) => detail.decision.evidence);
  const sites = new Set(evidence.map(({ origin, rpId }) => `${origin} ${rpId}`));
  const nonces = new Set(evidence.map(({ nonce }) => nonce));
  const approvals = decisions
    .map(({ detail }) => detail)
    .filter(({ decision }) => decision.verdict === "approve");
  const people = new Set(approvals.map(({ decision }) => decision.person));
  const keys = new Set(approvals.map(({ decision }) => decision.evidence.credentialId));
  const granted = decisions.some(({ detail }) => detail.state === "approved");
  const { quorum } = content.rule;
  return [
    ...(decisions.length > 1
      ? [
          finding(sites.size === 1, "every decision was made at one origin and RP id"),
          finding(nonces.size === decisions.length, "no challenge was used twice"),
        ]
      : []),
    ...(approvals.length > 1
      ? [
          finding(
            people.size === approvals.length && keys.size === approvals.length,
            "different people with different passkeys approved",
          ),
        ]
      : []),
    ...(granted
      ? [finding(people.size >= quorum, `${people.size} of ${quorum} people approved before it was granted`)]
      : []),
  ];
}

/** Plays the entries through the state machine, by the times they carry. */
function checkStates(request: Requested, content: EscalationContent, own: readonly StoredEntry[]): Finding[] {
  const { id } = content;
  const { digest, expiresAt, content: canonical } = request.detail;
  let escalation: Escalation = {
    id,
    content,
    canonical,
    digest,
    state: "pending",
    requestedAt: new Date(request.at),
    expiresAt: new Date(expiresAt),
    usableUntil: null,
    decisions: [],
    session: null,
  };
  const pendingMs = time(expiresAt) - time(request.at);
  const waits = finding(
    pendingMs === content.rule.pendingSeconds * 1000,
    `it waited ${content.rule.pendingSeconds} s for its decisions, as the rule says`,
  );
  const states: string[] = [escalation.state];
  for (const entry of own) {
    const step = stepOf(entry);
    if (step === null) continue;
    const applied = apply(escalation, step.event, new Date(entry.at));
    const follows = (step.from ?? escalation.state) === escalation.state;
    if (!applied.ok || !follows || applied.value.escalation.state !== step.state) {
      const why = applied.ok ? "is not what follows" : applied.error.reason;
      const text = `entry ${entry.index}: ${step.event.kind} leads from ${escalation.state} to ${step.state}: ${why}`;
      return [waits, finding(false, text)];
    }
    ({ escalation } = applied.value);
    states.push(escalation.state);
  }
  return [waits, finding(true, `the states followed each other: ${states.join(" → ")}`)];
}

interface Step {
  readonly event: EscalationEvent;
  /** What the entry says it was before; null: it does not say. */
  readonly from: string | null;
  readonly state: string;
}

/** Null: the entry is about no change of state. */
function stepOf(entry: StoredEntry): Step | null {
  if (entry.kind === "escalation.decided") {
    const { decision, counting, state } = entry.detail;
    return { event: { kind: "decided", decision, counting }, from: null, state };
  }
  if (entry.kind !== "escalation.changed") return null;
  const { event: kind, from, to: state } = entry.detail;
  const session = entry.session ?? "";
  switch (kind) {
    case "cancelled":
      return { event: { kind, by: "agent" }, from, state };
    case "expired":
      return { event: { kind }, from, state };
    case "consumed":
    case "returned":
      return { event: { kind, session }, from, state };
  }
}

/** What STS was asked for is what was approved. */
function checkMint(content: EscalationContent, own: readonly StoredEntry[]): Finding[] {
  if (content.kind !== "session") return [];
  const intents = own.filter((entry) => entry.kind === "session.intent");
  const issued = own.filter(({ kind }) => kind === "session.issued");
  const consumed = own.flatMap((entry) =>
    entry.kind === "escalation.changed" && entry.detail.event === "consumed" ? [entry.session] : [],
  );
  const digest = compiledDigest(content.policy, content.policyArns);
  const same = intents.flatMap(({ detail }) => {
    const asked = {
      agent: [detail.agent, content.agent],
      owner: [detail.owner, content.owner],
      account: [detail.account, content.account],
      role: [detail.roleArn, content.roleArn],
      template: [detail.template, content.template],
      parameters: [canonicalJson(detail.parameters), canonicalJson(content.parameters)],
      duration: [detail.durationSeconds, content.durationSeconds],
      policy: [detail.policyDigest, digest],
      escalation: [detail.escalation, content.id],
    };
    const other = Object.entries(asked).flatMap(([field, [got, approved]]) =>
      got === approved ? [] : [field],
    );
    const text = `session ${detail.id} was asked for exactly what was approved`;
    return [
      finding(other.length === 0, other.length === 0 ? text : `${text}: another ${other.join(", ")}`),
      finding(consumed.includes(detail.id), `session ${detail.id} used the grant`),
    ];
  });
  const tag = content.tags.some(({ key, value }) => key === "twokey:escalation" && value === content.id);
  return [
    finding(tag, "the session's tags name this escalation"),
    ...same,
    finding(issued.length <= 1, `at most one session was issued: ${issued.length}`),
    ...issued.map(({ session }) =>
      finding(
        intents.some(({ detail }) => detail.id === session),
        `session ${session ?? "?"} had its intent on record`,
      ),
    ),
  ];
}

/** Of an entry as the store has it, or as a file of JSON lines does. */
const time = (date: Date): number => new Date(date).getTime();
