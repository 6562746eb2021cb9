/**
 * Escalations in words for a terminal. Every text in them is an agent's, an approver's or the network's, so each is
 * shown inert.
 */
import type { EscalationAnswer } from "../../api.ts";
import { inert } from "../../client/refusal.ts";

type Now = Date;

/** What an operator needs to have it decided: the two words above all. `bold` for a terminal that can. */
export function asked(answer: EscalationAnswer, now: Now, bold: (text: string) => string): string {
  const { id, template, account, code } = answer;
  return [
    `${id} asks for ${inert(template)} in account ${inert(account)}.`,
    "",
    `  Tell the approvers: ${bold(inert(code))}`,
    "",
    ...rows([
      ["May", inert(answer.may)],
      ["For", `${minutes(answer.duration)}, once`],
      ["Decide", inert(answer.url)],
      ["Until", `${answer.expires_at} (${left(answer.expires_at, now)} left)`],
      ["So far", approvals(answer)],
    ]),
  ].join("\n");
}

/** Everything there is to know about it. */
export function shown(answer: EscalationAnswer, now: Now): string {
  const { id, parameters, reason, requested_at, digest } = answer;
  const values = Object.entries(parameters).map(
    ([name, texts]) => `${inert(name)}=${texts.map(inert).join(",")}`,
  );
  return [
    id,
    ...rows([
      ["State", state(answer)],
      ["Code", inert(answer.code)],
      ["Template", inert(answer.template)],
      ["Account", inert(answer.account)],
      ...values.map((value, index): Row => [index === 0 ? "With" : "", value]),
      ["May", inert(answer.may)],
      ["For", `${minutes(answer.duration)}, once`],
      ["Reason", inert(reason)],
      ["Asked", requested_at],
      [
        "Until",
        answer.state === "pending"
          ? `${answer.expires_at} (${left(answer.expires_at, now)} left)`
          : answer.expires_at,
      ],
      ["Decide", inert(answer.url)],
      ["Digest", inert(digest)],
    ]),
  ].join("\n");
}

/** Its state with what follows from it, on one line. */
export function state(answer: EscalationAnswer): string {
  switch (answer.state) {
    case "pending":
      return `pending, ${approvals(answer)}`;
    case "approved":
      return `approved, ${answer.usable_until === null ? "" : `usable until ${answer.usable_until}: `}twokey exec --escalation ${answer.id} -- <command>`;
    case "consumed":
      return `used for session ${inert(answer.session ?? "?")}`;
    case "denied":
      return answer.denial === null ? "denied" : `denied, with the reason: ${inert(answer.denial)}`;
    case "expired":
      return "expired";
    case "cancelled":
      return "cancelled";
  }
}

export const approvals = ({ approvals, quorum }: EscalationAnswer): string =>
  `${approvals} of ${quorum} approved`;

/** What a person watches while it waits, on one line. */
export const progress = (answer: EscalationAnswer, now: Now): string =>
  `${inert(answer.code)}: ${approvals(answer)}, ${left(answer.expires_at, now)} left`;

/** A page of them as a table. */
export function table(answers: readonly EscalationAnswer[]): string {
  const cells = answers.map((answer) => [
    answer.id,
    answer.state,
    inert(answer.code),
    `${answer.approvals}/${answer.quorum}`,
    answer.expires_at,
    inert(answer.account),
    inert(answer.template),
  ]);
  const head = ["ESCALATION", "STATE", "CODE", "VOTES", "UNTIL", "ACCOUNT", "TEMPLATE"];
  const widths = head.map((title, column) =>
    Math.max(title.length, ...cells.map((row) => (row[column] ?? "").length)),
  );
  return [head, ...cells]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

/** One line of JSON, the same value, in which no character can act on a terminal. */
export function json(value: unknown): string {
  return JSON.stringify(value).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    [...Array(character.length).keys()]
      .map((unit) => `\\u${character.charCodeAt(unit).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

type Row = readonly [label: string, text: string];

const rows = (all: readonly Row[]): string[] => all.map(([label, text]) => `  ${label.padEnd(10)}${text}`);

const minutes = (seconds: number): string =>
  seconds % 60 === 0 ? `${seconds / 60} minutes` : `${seconds} seconds`;

/** `42:10`, or `1:02:03` from an hour on. */
function left(until: string, now: Now): string {
  const seconds = Math.max(0, Math.round((Date.parse(until) - now.getTime()) / 1000));
  const two = (part: number): string => String(part).padStart(2, "0");
  const [hours, rest] = [Math.floor(seconds / 3600), seconds % 3600];
  const clock = `${two(Math.floor(rest / 60))}:${two(rest % 60)}`;
  return hours === 0 ? clock : `${hours}:${clock}`;
}
