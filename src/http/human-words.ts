/**
 * problem.ts's words for people on the pages, and for operators. The exact reason of a refused sign-in, token or passkey stays in the audit
 * log: an attacker learns nothing from it, an honest person reads the next step.
 */
import type { Failure } from "../failure.ts";
import type { Words } from "./problem-kinds.ts";

export type HumanFailure = Extract<
  Failure,
  {
    code:
      | "operator_refused"
      | "watch_refused"
      | "not_frozen"
      | "nothing_to_freeze"
      | "second_key_needed"
      | "sign_in_required"
      | "sign_in_refused"
      | "not_a_person"
      | "not_an_approver"
      | "not_an_administrator"
      | "owner_cannot_approve"
      | "cross_site"
      | "passkey_refused"
      | "passkey_too_new"
      | "already_decided"
      | "invitation_refused"
      | "bootstrap_refused";
  }
>;

const ASK_ADMINISTRATOR = "Ask an administrator of Twokey, with the request_id.";

/** Longer than a function should be because an exhaustive switch is one table. */
export function humanWords(failure: HumanFailure): Words {
  const { code } = failure;
  switch (code) {
    case "operator_refused":
      return {
        code,
        detail: "This is for operators, by the token in the broker's operator token file.",
        next: "See docs/kill-switch.md.",
      };
    case "watch_refused":
      return {
        code,
        detail: "This is for what watches over AWS, by a token of its own.",
        next: "See docs/watch.md.",
      };
    case "not_frozen":
      return { code, detail: "Nothing was changed.", next: "Load the page of sessions again." };
    case "nothing_to_freeze":
      return {
        code,
        detail:
          "There is no such agent, template or session here, or STS never issued it. Nothing was frozen.",
        next: "Check the name, or freeze something wider: the agent, its template, or all.",
      };
    case "second_key_needed":
      return {
        code,
        detail: "Your key lies there already.",
        next: "Another administrator turns the second one, within the hour.",
      };
    case "sign_in_required":
      return { code, detail: "Nobody is signed in here.", next: "Sign in at /sign-in." };
    case "sign_in_refused":
      return { code, detail: "You are not signed in.", next: `Try again at /sign-in. ${ASK_ADMINISTRATOR}` };
    case "not_a_person":
      return {
        code,
        detail: "people.yaml does not say that this account is one person's, so it cannot decide anything.",
        next: "Have the security team add this account to its person in people.yaml.",
      };
    case "not_an_approver":
      return {
        code,
        detail: `Members of these groups decide this: ${failure.groups.join(", ")}.`,
        next: "Ask one of them.",
      };
    case "not_an_administrator":
      return { code, detail: "Only administrators do this.", next: "Ask one of them." };
    case "owner_cannot_approve":
      return {
        code,
        detail: "You own this agent: somebody else has to approve. You may deny.",
        next: "Ask the other people who may decide.",
      };
    case "cross_site":
      return { code, detail: "Nothing was changed.", next: "Open Twokey yourself and do it there." };
    case "passkey_refused":
      return {
        code,
        detail: "Nothing was changed. The passkey's answer did not fit this question, or came too late.",
        next: `Load the page again and use your own passkey. ${ASK_ADMINISTRATOR}`,
      };
    case "passkey_too_new":
      return {
        code,
        detail: `This passkey decides from ${failure.countsFrom.toISOString()}.`,
        next: "Use an older passkey, or ask somebody else who may decide.",
      };
    case "already_decided":
      return {
        code,
        detail: `Your decision on ${failure.escalation} is on record.`,
        next: "There is nothing left to do.",
      };
    case "invitation_refused":
      return {
        code,
        detail: "The invitation is unknown, used or over.",
        next: "Ask whoever invited you for a new one.",
      };
    case "bootstrap_refused":
      return {
        code,
        detail: "The bootstrap token is unknown, used or over, or it is not needed any more.",
        next: "Start the broker again where nobody has a passkey yet: it prints a new token.",
      };
  }
}
