/**
 * Freezes in words for a terminal: the record's word and AWS's are told apart, and nothing is called instant. Every text
 * in them is somebody's or the network's, so each is shown inert.
 */
import type { FreezeAnswer, FreezesAnswer, FreezeView, RoleDenialView } from "../../api.ts";
import { inert } from "../../client/refusal.ts";

/** `agent orders-ci`, or `everything`. */
export const target = ({ kind, name }: Pick<FreezeView, "kind" | "name">): string =>
  name === null ? "everything" : `${kind} ${inert(name)}`;

export function frozen({ freeze, sessions, roles, url }: FreezeAnswer): string {
  const since = `${target(freeze)} is frozen since ${inert(freeze.frozen_at)}, entry ${freeze.audit_entry} of the audit log.`;
  return [
    since,
    "In the record it holds now: nothing of it is minted or delivered, on any broker.",
    "",
    ...(sessions.length === 0
      ? ["No live session was delivered before it."]
      : [
          `Delivered before it and still alive, ${sessions.length}:`,
          ...sessions.map(
            ({ id, expires_at }) =>
              `  ${inert(id)}  until ${expires_at === null ? "unknown" : inert(expires_at)}`,
          ),
        ]),
    ...inAws(roles),
    "",
    `Thaw: ${inert(url)} (an administrator's passkey${freeze.kind === "all" ? ", and another's within the hour" : ""})`,
  ].join("\n");
}

export function listed({ freezes, roles, url }: FreezesAnswer): string {
  return [
    ...(freezes.length === 0 ? ["Nothing is frozen."] : freezes.map(row)),
    ...inAws(roles),
    ...(freezes.length === 0 ? [] : ["", `Thaw: ${inert(url)} (an administrator's passkey)`]),
  ].join("\n");
}

function row(freeze: FreezeView): string {
  const { reason, by, person, frozen_at, first_key } = freeze;
  const who = person === null ? WHO[by] : inert(person);
  const key = first_key === null ? "" : `; the first key of two lies there, ${inert(first_key)}'s`;
  const why = reason === "" ? "" : `: ${inert(reason)}`;
  return `${target(freeze)}  since ${inert(frozen_at)} by ${who}${why}${key}`;
}

const WHO: Readonly<Record<FreezeView["by"], string>> = {
  person: "somebody",
  operator: "an operator",
  rule: "a rule of guardrails.yaml",
};

function inAws(roles: readonly RoleDenialView[]): readonly string[] {
  if (roles.length === 0) return [];
  const open = roles.filter(({ state }) => state !== "in_force").length;
  return [
    "",
    "In AWS, which puts a policy into effect within seconds to minutes after it took it:",
    ...roles.map((role) => `  ${inert(role.role_arn)}  ${standing(role)}`),
    ...(open === 0
      ? []
      : [
          `AWS has not taken ${open} of ${roles.length} yet; the broker goes on trying. Look again: twokey freeze ls`,
        ]),
  ];
}

function standing({ state, form, since, message }: RoleDenialView): string {
  switch (state) {
    case "in_force":
      return `in force since ${since === null ? "?" : inert(since)}, denies ${form === null ? "?" : FORMS[form]}`;
    case "waiting":
      return "waiting: AWS is being told";
    case "failed":
      return `NOT in force: ${message === null ? "no answer" : inert(message)}`;
  }
}

const FORMS: Readonly<Record<NonNullable<RoleDenialView["form"]>, string>> = {
  nobody: "nobody any more",
  sessions: "the frozen sessions by name",
  everyone: "every session older than the freeze",
};
