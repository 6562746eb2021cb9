/**
 * One escalation for somebody who may decide it: who asks, for what, what it could do and adds, who decided, and what
 * this viewer may do. Everything that would be executed comes from the escalation's own content, never from the policy
 * served now: that one is only asked whether it still says the same.
 */
import { escalationCode } from "../escalation/code.ts";
import { ineligible } from "../escalation/eligibility.ts";
import type { Decision, Escalation, SessionContent } from "../escalation/escalation.ts";
import type { Failure } from "../failure.ts";
import type { Passkey } from "../identity/human-store.ts";
import type { Person } from "../identity/registry.ts";
import { replan } from "../policy/decide-escalation.ts";
import { additions } from "../policy/describe-adds.ts";
import { describe, type Ground } from "../policy/describe.ts";
import { documentsOf } from "../policy/compiled.ts";
import type { PolicyDocument } from "../policy/iam/types.ts";
import type { ServedPolicy } from "../policy/serve.ts";
import { err, ok } from "../result.ts";
import { tagsBeforeMint } from "../session/name.ts";
import type { Broker } from "./admit.ts";
import type { Viewer } from "./admit-person.ts";
import { readRecord } from "./read-record.ts";
import { ineligibleWords, inlineDocuments } from "./show-queue.ts";
import { approvalsNow, humansNow, type HumansNow } from "./use-grant.ts";

/** `why`: a sentence for the page. */
export type May = { readonly ok: true } | { readonly ok: false; readonly why: string };

export async function showEscalationPage(broker: Broker, viewer: Viewer, id: string) {
  const read = await readRecord(() =>
    Promise.all([
      broker.escalations.find(id),
      humansNow(broker),
      broker.humans.passkeys({ person: viewer.person.id }),
    ]),
  );
  if (!read.ok) return read;
  const [escalation, humans, passkeys] = read.value;
  if (escalation === null) return err({ code: "not_found" } satisfies Failure);
  return ok(shown(broker, viewer, { escalation, humans, passkeys }));
}

interface Read {
  readonly escalation: Escalation;
  readonly humans: HumansNow;
  /** The viewer's. */
  readonly passkeys: readonly Passkey[];
}

function shown(broker: Broker, { person }: Viewer, { escalation, humans, passkeys }: Read) {
  const { id, content, digest, state, requestedAt, expiresAt, usableUntil, session } = escalation;
  const key = keyMay(passkeys, broker.clock());
  return {
    id,
    digest,
    code: escalationCode(digest),
    state,
    requestedAt,
    expiresAt,
    usableUntil,
    quorum: content.rule.quorum,
    groups: content.rule.groups,
    decisions: escalation.decisions.map((decision) => decisionRow(escalation, decision, humans)),
    mayApprove: mayApprove(escalation, person, key),
    mayDeny: mayDeny(escalation, person, key),
    session: content.kind === "session" ? sessionMatter(content, escalation.canonical, broker.policy) : null,
    policy:
      content.kind === "policy" ? { from: content.from, to: content.to, changes: content.changes } : null,
    minted: session,
  };
}

function decisionRow(escalation: Escalation, decision: Decision, humans: HumansNow) {
  const { person, verdict, at, reason } = decision;
  const name = humans.people.find(({ id }) => id === person)?.name ?? person;
  // One person's second approval counts no more than the first, which the machine refuses anyway.
  const counts = verdict === "deny" || approvalsNow({ ...escalation, decisions: [decision] }, humans) === 1;
  return { person, name, verdict, at, reason, counts };
}

function keyMay(passkeys: readonly Passkey[], now: Date): May {
  const enrolled = passkeys.filter(({ removedAt }) => removedAt === null);
  const [first] = enrolled.map(({ countsFrom }) => countsFrom).sort((a, b) => a.getTime() - b.getTime());
  if (first === undefined) return { ok: false, why: "You have no passkey yet: enrol one under Passkeys." };
  if (first <= now) return { ok: true };
  const from = first.toISOString().slice(0, 16).replace("T", " ");
  return { ok: false, why: `Your passkey was enrolled lately and counts from ${from} UTC.` };
}

function mayApprove(escalation: Escalation, person: Person, key: May): May {
  const { state, decisions } = escalation;
  if (state !== "pending") return { ok: false, why: `Nothing is left to approve: it is ${state}.` };
  const why = ineligibleWords(escalation, person);
  if (why !== null) return { ok: false, why: sentence(why) };
  if (decisions.some((decision) => decision.person === person.id)) {
    return { ok: false, why: "You approved it already." };
  }
  return key;
}

/** A denial ends what waits, takes a grant back, and freezes a session that was minted. */
function mayDeny(escalation: Escalation, person: Person, key: May): May {
  const { state, content, decisions } = escalation;
  const open =
    state === "pending" || state === "approved" || (state === "consumed" && content.kind === "session");
  if (!open) return { ok: false, why: `Nothing is left to deny: it is ${state}.` };
  const why = ineligible(person, content, "deny");
  if (why !== null) return { ok: false, why: sentence(ineligibleWords(escalation, person) ?? why.reason) };
  const denied = decisions.some((decision) => decision.person === person.id && decision.verdict === "deny");
  return denied ? { ok: false, why: "You denied it already." } : key;
}

const sentence = (words: string): string => `${words.charAt(0).toUpperCase()}${words.slice(1)}.`;

function sessionMatter(content: SessionContent, canonical: string, policy: ServedPolicy) {
  const { agent, owner, account, template, parameters, task, reason } = content;
  const { set, templates } = policy;
  const documents = documentsFor(content, canonical, policy);
  const ground = groundOf(account, policy);
  const known = templates.get(template)?.template;
  return {
    agent,
    owner: { id: owner, name: set.people.find(({ id }) => id === owner)?.name ?? owner },
    proof: content.proof,
    account: { id: account, name: set.accounts.find(({ id }) => id === account)?.name ?? account },
    roleArn: content.roleArn,
    template: {
      name: template,
      title: known?.title ?? template,
      description: known?.description ?? "The policies served now do not have this template any more.",
      version: content.templateVersion,
    },
    parameters,
    durationSeconds: content.durationSeconds,
    task,
    reason,
    could: ground === null ? [unknownAccount(content)] : describe(documents.all, ground),
    adds: ground === null ? [] : additions(documents.all, standingOf(agent, account, policy), ground),
    changeSets: content.changeSets,
    policyText: JSON.stringify(JSON.parse(content.policy), null, 2),
    policyArns: content.policyArns,
    current: documents.current,
  };
}

/** Without its account nothing can be asked of the evaluator: then the worst stands there, and the policy's own text. */
const unknownAccount = ({ account }: SessionContent) => ({
  effect: "destroys" as const,
  text: `do all its policy says in account ${account}, which is in no file of the policies served now: read the policy itself`,
  actions: [],
  resources: [],
});

interface Documents {
  readonly all: readonly PolicyDocument[];
  /** Whether a mint now would send exactly these. */
  readonly current: boolean;
}

/**
 * Every document that limits the session. Those behind its ARNs are known where the policy still compiles to them;
 * elsewhere they are left out, which can only make the session look larger than it is.
 */
function documentsFor(content: SessionContent, canonical: string, policy: ServedPolicy): Documents {
  const registered = policy.set.registry.agents.find(({ name }) => name === content.agent);
  const plan =
    registered === undefined
      ? null
      : replan({ content, canonical }, registered, tagsBeforeMint(content.id), policy);
  return plan?.ok === true
    ? { all: documentsOf(plan.value.compiled), current: true }
    : { all: inlineDocuments(content), current: false };
}

function groundOf(id: string, { set, table }: ServedPolicy): Ground | null {
  const account = set.accounts.find((one) => one.id === id);
  return account === undefined ? null : { account, guardrails: set.guardrails, table };
}

/** The agent's standing templates in the account. */
function standingOf(agent: string, account: string, { set, templates }: ServedPolicy) {
  const open = set.registry.agents.find(({ name }) => name === agent)?.templates ?? [];
  return open
    .flatMap((name) => templates.get(name) ?? [])
    .filter(
      ({ template: { kind, accounts } }) => kind === "standing" && (accounts?.includes(account) ?? true),
    );
}
