/**
 * What a notice says to people: its escalation as it is now, in a few lines and a link. Agents and people wrote some of
 * the words: they are bounded, on one line, and hidden characters are shown. Must never hold anything that can vote.
 */
import { escalationCode } from "../escalation/code.ts";
import type {
  Decision,
  Escalation,
  PolicyContent,
  SessionContent,
  Verdict,
} from "../escalation/escalation.ts";
import type { EscalationFacts, Message, Notice } from "../escalation/outbox.ts";
import type { Account } from "../policy/set.ts";

/** What messages are made with besides the record. */
export interface MessageContext {
  /** Where the pages stand, without a trailing slash. */
  readonly origin: string;
  readonly accounts: readonly Account[];
}

type Line = Message["lines"][number];

export function escalationMessage(
  notice: Notice,
  escalation: Escalation,
  { origin, accounts }: MessageContext,
): Message {
  const { content } = escalation;
  const code = escalationCode(escalation.digest);
  const what =
    content.kind === "session" ? sessionWords(content, accounts) : { asks: POLICY_ASKS, short: POLICY_SHORT };
  const about =
    content.kind === "session" ? aboutSession(content, accounts) : [line("Policy set", content.to)];
  const asked = content.kind === "session" ? askedSession(content) : askedPolicy(content);
  const pending = escalation.state === "pending";
  return {
    title: pending ? what.asks : `${outcome(escalation)}: ${what.short}`,
    lines: [line("Code", code), ...about, ...(pending ? asked : []), ...standing(escalation)],
    url: `${origin}/escalations/${escalation.id}`,
    notice,
    facts: factsOf(escalation, code),
  };
}

/** A key that can decide was added: everybody hears, so that a key nobody expects is seen. */
export function passkeyMessage(notice: Notice, { origin }: MessageContext): Message {
  const { person = "somebody", ...rest } = notice.detail;
  return {
    title: `A passkey was enrolled for ${shown(person, SHORT)}`,
    lines: [
      ...Object.entries(rest).map(([label, text]) => line(capital(label), text, SHORT)),
      line("Enrolled", time(notice.at)),
      line("Unexpected?", "Tell an administrator at once: they take it away on the page of people."),
    ],
    url: `${origin}/people`,
    notice,
    facts: null,
  };
}

/** The kill switch was used: the owner of what it stopped hears it with everybody else. */
export function freezeMessage(notice: Notice, { origin }: MessageContext): Message {
  const { kind = "all", name, reason = "", by = "", person, owner } = notice.detail;
  const what = name === undefined ? "Everything" : `${capital(kind)} ${shown(name, SHORT)}`;
  const who = { person: person ?? "somebody", operator: "an operator", rule: "a rule of guardrails.yaml" }[
    by
  ];
  return {
    title: `${what} was frozen`,
    lines: [
      line("Why", reason === "" ? "no reason was given" : reason),
      line("By", who ?? by, SHORT),
      ...(owner === undefined ? [] : [line("Owner", owner, SHORT)]),
      line("Frozen", time(notice.at)),
      line("What now", kind === "all" ? ALL_STOPPED : STOPPED),
    ],
    url: `${origin}/sessions`,
    notice,
    facts: null,
  };
}

const STOPPED = "Nothing of it is minted or delivered until an administrator thaws it on the page.";
const ALL_STOPPED = "Nothing is minted or delivered until two administrators thaw it on the page.";

/** For an operator who tries a channel. `id`: new for each. */
export function testMessage(id: string, origin: string, now: Date): Message {
  return {
    title: "A test of Twokey's notifications",
    lines: [line("Nothing happened", "An operator tried this channel. Nothing waits for a decision.")],
    url: `${origin}/queue`,
    notice: { id, kind: "test", escalation: null, detail: {}, at: now },
    facts: null,
  };
}

const POLICY_ASKS = "A changed policy set waits for approval";
const POLICY_SHORT = "a changed policy set";

function sessionWords({ agent, template, account }: SessionContent, accounts: readonly Account[]) {
  const where = accountName(account, accounts);
  return { asks: `${agent} asks for ${template} on ${where}`, short: `${template} on ${where} for ${agent}` };
}

function outcome(escalation: Escalation): string {
  switch (escalation.state) {
    case "pending":
      return "Waiting";
    case "approved":
      return "Approved";
    case "consumed":
      return by(escalation, "deny").length === 0 ? "Used" : "Denied after it was used, session frozen";
    case "denied":
      return "Denied";
    case "expired":
      return "Expired";
    case "cancelled":
      return "Cancelled";
  }
}

function aboutSession(
  { agent, owner, template, account }: SessionContent,
  accounts: readonly Account[],
): readonly Line[] {
  return [
    line("Agent", `${agent}, owned by ${owner}`),
    line("Template", template),
    line("Account", accountName(account, accounts)),
  ];
}

function askedSession({ parameters, durationSeconds, task, reason, rule }: SessionContent): readonly Line[] {
  return [
    ...bounded(Object.entries(parameters), ([name, values]) => line(name, values.join(", "))),
    line("For", duration(durationSeconds)),
    line("Task", `${task.intent}: ${task.summary}`),
    line("Reason", reason),
    needs(rule),
  ];
}

function askedPolicy({ changes, rule }: PolicyContent): readonly Line[] {
  return [...bounded(changes, (change) => line("Change", change)), needs(rule)];
}

const needs = ({ quorum, groups }: SessionContent["rule"]): Line =>
  line("Needs", `${quorum} approval${quorum === 1 ? "" : "s"} from ${groups.join(" or ")}`);

/** Where it stands: time left, who decided, what became of it. */
function standing(escalation: Escalation): readonly Line[] {
  const { state, expiresAt, usableUntil, session } = escalation;
  const approvals = by(escalation, "approve");
  const denials = by(escalation, "deny");
  return [
    ...(state === "pending" ? [line("Decide before", time(expiresAt))] : []),
    ...(approvals.length === 0
      ? []
      : [line("Approved by", approvals.map(({ person }) => person).join(", "))]),
    ...denials.map(({ person, reason }) =>
      line("Denied by", reason === null ? person : `${person}: ${reason}`),
    ),
    ...(state === "approved" && usableUntil !== null ? [line("Usable until", time(usableUntil))] : []),
    ...(session === null ? [] : [line("Session", session)]),
  ];
}

const by = ({ decisions }: Escalation, wanted: Verdict): readonly Decision[] =>
  decisions.filter(({ verdict }) => verdict === wanted);

function factsOf(escalation: Escalation, code: string): EscalationFacts {
  const { id, content, state, expiresAt, usableUntil, decisions } = escalation;
  const session = content.kind === "session" ? content : null;
  return {
    id,
    kind: content.kind,
    state,
    code,
    agent: session?.agent ?? null,
    owner: session?.owner ?? null,
    template: session?.template ?? null,
    account: session?.account ?? null,
    expiresAt,
    usableUntil,
    quorum: content.rule.quorum,
    decisions: decisions.map(({ person, verdict, at }) => ({ person, verdict, at })),
  };
}

function accountName(id: string, accounts: readonly Account[]): string {
  const account = accounts.find((candidate) => candidate.id === id);
  return account === undefined ? id : `${account.name} (${id})`;
}

const MOST_LINES = 10;

function bounded<T>(items: readonly T[], make: (item: T) => Line): readonly Line[] {
  const rest = items.length - MOST_LINES;
  const more = rest > 0 ? [line("And", `${rest} more on the page`)] : [];
  return [...items.slice(0, MOST_LINES).map(make), ...more];
}

/** In characters as they are shown. The longest a Slack text block takes is 3,000, and `&` is five of them. */
const LONG = 500;
const SHORT = 100;

const line = (label: string, text: string, limit = LONG): Line => ({
  label: shown(label, SHORT),
  text: shown(text, limit),
});

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** Controls, directions, zero widths, lone surrogates, private characters, and whatever else has no shape of its own. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;

/**
 * Foreign text on one line: a hidden character as ⟨U+202E⟩, a line break as ⏎, so that no text begins a line that looks
 * like ours. What does not fit is counted, never cut in silence.
 */
export function shown(text: string, limit: number): string {
  const characters = Array.from(text);
  let fits = "";
  for (const [index, character] of characters.entries()) {
    const next = visible(character);
    if (fits.length + next.length > limit)
      return `${fits} (… ${characters.length - index} more characters on the page)`;
    fits += next;
  }
  return fits;
}

function visible(character: string): string {
  if (character === "\n") return " ⏎ ";
  if (!HIDDEN.test(character)) return character;
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase();
  return `⟨U+${code.padStart(4, "0")}⟩`;
}

const time = (at: Date): string => `${at.toISOString().slice(0, 16).replace("T", " ")} UTC`;

function duration(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  const parts = [`${Math.floor(minutes / 60)} h`, `${minutes % 60} min`, `${seconds % 60} s`];
  return parts.filter((part) => !part.startsWith("0 ")).join(" ");
}
