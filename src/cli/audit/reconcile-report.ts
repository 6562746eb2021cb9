/** A reconciliation for people and for programs. Everything in it that others wrote is shown inert. */
import { findingSentence, type Finding } from "../../audit/finding.ts";
import type {
  DoneAction,
  OpenSession,
  Reconciliation,
  SessionDoings,
  SettledSession,
} from "../../audit/reconciliation.ts";
import { inert } from "../inert.ts";
import { count } from "../policy/count.ts";
import { paint } from "../policy/paint.ts";

const alarmsOf = ({ findings }: Reconciliation): readonly Finding[] =>
  findings.filter(({ level }) => level === "alarm");

export const isClean = (found: Reconciliation): boolean =>
  alarmsOf(found).length === 0 && found.unlisted.alarm === 0;

/** With each finding's sentence. */
export function reportJson(found: Reconciliation): string {
  const findings = found.findings.map((finding) => ({ ...finding, says: findingSentence(finding) }));
  return `${JSON.stringify({ ok: isClean(found), ...found, findings }, null, 2)}\n`;
}

export function report(found: Reconciliation): string {
  const alarms = alarmsOf(found);
  const notices = found.findings.filter(({ level }) => level === "notice");
  const verdict = isClean(found)
    ? paint("green", "✓ No alarm.")
    : paint("red", `✗ ${count(alarms.length, "alarm")}.`);
  const parts = [
    head(found),
    `${verdict}${unlisted(found)}`,
    section("Alarms", alarms.map(findingLine)),
    section("Worth knowing", notices.map(findingLine)),
    section("What the sessions did", found.sessions.map(doings)),
    section("Outcomes that were not known, settled", found.settled.map(settledLine)),
    section("Outcomes still not known", found.open.map(openLine)),
  ];
  return `${parts.filter((part) => part !== "").join("\n\n")}\n`;
}

function head({ events, covers, sessions, settledBefore }: Reconciliation): string {
  const { read, counted, repeated, first, last } = events;
  const time = first === null || last === null ? "" : `, from ${instant(first)} to ${instant(last)}`;
  const again = repeated === 0 ? "" : ` ${count(repeated, "event")} stood in more than one file.`;
  const stated =
    covers === null
      ? "Nobody states which time they cover: that something did not happen is not concluded."
      : `They are stated to cover ${instant(covers.from)} to ${instant(covers.to)}.`;
  const before = settledBefore === 0 ? "" : ` ${count(settledBefore, "outcome")} settled before.`;
  return `${count(read, "event")}${time}; ${counted} about AI roles and ${count(sessions.length, "session")}.${again}\n${stated}${before}`;
}

const unlisted = ({ unlisted: { alarm, notice } }: Reconciliation): string =>
  alarm + notice === 0 ? "" : ` Not listed: ${count(alarm, "more alarming event")}, ${notice} others.`;

const section = (title: string, lines: readonly string[]): string =>
  lines.length === 0 ? "" : `${paint("bold", title)}\n${lines.join("\n")}`;

function findingLine(finding: Finding): string {
  const { level, first, last, events } = finding;
  const sign = level === "alarm" ? paint("red", "✗") : "–";
  const when =
    finding.count === 1 ? instant(first) : `${finding.count} times, ${instant(first)} to ${instant(last)}`;
  const more = finding.count > events.length ? ", …" : "";
  return `${sign} ${short(findingSentence(finding))}\n    ${paint("dim", `${when}; ${inert(events.join(", "))}${more}`)}`;
}

function doings({
  session: record,
  first,
  last,
  count: calls,
  denied,
  failed,
  actions,
}: SessionDoings): string {
  const { id, agent, owner, template, task, escalation } = record.session;
  const granted = escalation === null ? "" : `, granted by ${escalation}`;
  const refused = [denied > 0 ? `${denied} denied` : "", failed > 0 ? `${failed} failed` : ""];
  const counts = [count(calls, "call"), ...refused.filter((text) => text !== "")].join(", ");
  return [
    `${paint("bold", inert(id))}  ${inert(`${agent} (${owner})`)}, ${inert(template)}${inert(granted)}`,
    `  declared to ${task.intent}: ${short(task.summary)}`,
    `  ${instant(first)} to ${instant(last)}: ${counts}`,
    ...actions.map(actionLine),
  ].join("\n");
}

function actionLine({ action, count: calls, denied, failed, resources }: DoneAction): string {
  const notes = [denied > 0 ? `${denied} denied` : "", failed > 0 ? `${failed} failed` : ""];
  const noted = notes.filter((text) => text !== "").join(", ");
  const on = resources.map((arn) => `\n        ${inert(arn)}`).join("");
  return `    ${String(calls).padStart(4)} ${inert(action)}${noted === "" ? "" : ` (${noted})`}${on}`;
}

function settledLine({ session, state, settlement, entry }: SettledSession): string {
  const { issued, eventId, accessKeyId, covers } = settlement;
  const shown = issued
    ? `STS issued it, with key ${accessKeyId ?? "not said"} (event ${eventId ?? "?"}); nothing was delivered`
    : eventId === null
      ? `STS issued nothing: no event of ${covers ?? "its time"} shows it`
      : `STS refused it (event ${eventId})`;
  const written = entry === null ? "not written down" : `entry ${entry}`;
  return `– ${inert(`${session.id} (${session.agent}), ${state}: ${shown}`)}; ${written}`;
}

const openLine = ({ session, state, reason }: OpenSession): string =>
  `– ${inert(`${session.id} (${session.agent}), ${state}: ${reason}`)}`;

/** More of a sentence than this is for --json. */
const LONGEST = 400;

function short(text: string): string {
  const shown = inert(text);
  return shown.length > LONGEST ? `${shown.slice(0, LONGEST)}…` : shown;
}

const instant = (at: Date): string => `${at.toISOString().slice(0, 19).replace("T", " ")} UTC`;
