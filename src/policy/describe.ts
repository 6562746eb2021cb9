/**
 * A session in plain words, destruction first: what it could do, in sentences that an engineer reads in seconds. Each
 * action it allows is named in exactly one of them; what words exist for is in describe-words.ts, and what has none
 * keeps its AWS name. Pure; decides nothing.
 */
import { EFFECTS, type Ability } from "./ability.ts";
import { allowedBy, type Allowed, type Ground, type Requirement } from "./describe-allowed.ts";
import { listed, placesOf } from "./describe-places.ts";
import { deedOf, seenBy, serviceName, type Deed } from "./describe-words.ts";
import type { PolicyDocument } from "./iam/types.ts";
import { isSafeRead } from "./safe-reads.ts";
import { SENSITIVE_READS } from "./sensitive-reads.ts";

export type { Ground } from "./describe-allowed.ts";

/** `documents`: of one compiled session, see documentsOf. */
export function describe(documents: readonly PolicyDocument[], ground: Ground): readonly Ability[] {
  return abilitiesOf(allowedBy(documents, ground), ground);
}

/** The rows as abilities; rows that may do the same in the same places share one. */
export function abilitiesOf(rows: readonly Allowed[], ground: Ground): readonly Ability[] {
  const groups = new Map<string, Allowed[]>();
  for (const row of rows) {
    const key = JSON.stringify([row.effect, kindOfWords(row), row.resources, row.where, row.requires]);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const abilities = [...groups.values()].map((group) => abilityOf(group, ground));
  return abilities.sort((a, b) => EFFECTS.indexOf(a.effect) - EFFECTS.indexOf(b.effect));
}

const serviceOf = ({ action }: Allowed): string => action.name.slice(0, action.name.indexOf(":"));

/** Rows whose words can stand in one sentence. */
function kindOfWords(row: Allowed): string {
  if (isSafeRead(row.action)) return `${serviceOf(row)} seen`;
  const deed = deedOf(row.action.name);
  if (deed !== null) return `${serviceOf(row)} ${deed.object} ${deed.at}`;
  return `${serviceOf(row)} called ${SENSITIVE_READS.reason(row.action.name) ?? ""}`;
}

function abilityOf(rows: readonly Allowed[], ground: Ground): Ability {
  const [first] = rows;
  if (first === undefined) throw new Error("a group without rows");
  const actions = rows.map(({ action }) => action.name).sort();
  return {
    effect: first.effect,
    text: textOf(rows, first, ground),
    actions,
    resources: first.resources,
  };
}

function textOf(rows: readonly Allowed[], first: Allowed, { account, guardrails }: Ground): string {
  const service = serviceOf(first);
  const place = placesOf(service, first.resources, account.id);
  const deeds = rows.flatMap(({ action }) => deedOf(action.name) ?? []);
  const { requires } = first;
  const tail = (told: readonly Requirement[]): string =>
    fenceWords(first, place, guardrails) +
    restWords(
      requires.filter((one) => !told.includes(one)),
      account.id,
    );
  if (isSafeRead(first.action)) {
    return seenWords(rows, service, first.resources.includes("*") ? null : place) + tail([]);
  }
  if (deeds.length === 0) return `${calledWords(rows)} on ${place}${tail([])}`;
  const { text, told } = deedWords(deeds, requires, place);
  return text + tail(told);
}

/** More nouns than these are counted; the actions beside the sentence name all. */
const SEEN = 8;

/** `place` null: anywhere. */
function seenWords(rows: readonly Allowed[], service: string, place: string | null): string {
  const nouns = [...new Set(rows.map(({ action }) => seenBy(action.name)))].sort();
  if (place !== null && nouns.length === 1) return `see ${place}`;
  const more = nouns.length - SEEN;
  const shown = listed(more > 1 ? [...nouns.slice(0, SEEN), `${more} other kinds`] : nouns, "and");
  return place === null
    ? `see ${serviceName(service)} ${shown}, anywhere in the account`
    : `see ${shown} of ${place}`;
}

function calledWords(rows: readonly Allowed[]): string {
  const names = rows.map(({ action }) => action.name).sort();
  const handed = SENSITIVE_READS.reason(names[0] ?? "");
  return `${handed === null ? "" : `read ${handed} with `}${handed === null ? "call " : ""}${listed(names, "and")}`;
}

/** `told`: the requirements that the words hold already. */
function deedWords(
  deeds: readonly Deed[],
  requires: readonly Requirement[],
  place: string,
): { readonly text: string; readonly told: readonly Requirement[] } {
  const verbs = listed([...new Set(deeds.flatMap((deed) => deed.verbs))], "and");
  const [{ object, at } = { object: "", at: "" }] = deeds;
  const named = object === "change sets" ? requires.find(isChangeSetName) : undefined;
  const passed = requires.find(isPassedTo);
  const to = passed === undefined ? "" : ` to ${listed(passed.values.map(passedTo), "or")}`;
  const what = named === undefined ? object : changeSetWords(named.values);
  const text = [verbs, what, at, place].filter((word) => word !== "").join(" ") + to;
  return { text, told: [named, passed].filter((one) => one !== undefined) };
}

const isChangeSetName = ({ key }: Requirement): boolean =>
  key.toLowerCase() === "cloudformation:changesetname";
const isPassedTo = ({ key }: Requirement): boolean => key.toLowerCase() === "iam:passedtoservice";
const isCreateAction = ({ key }: Requirement): boolean => key.toLowerCase().endsWith(":createaction");

/** A service as people call it, of `cloudformation.amazonaws.com`. */
const passedTo = (principal: string): string => serviceName(principal.replace(/\.amazonaws\.com$/, ""));

function changeSetWords(values: readonly string[]): string {
  const names = values.map((value) => /:changeSet\/([^/]+)\/[^/]+$/.exec(value)?.[1] ?? value);
  if (names.some((name) => /[*?]/.test(name)))
    return `change sets named ${listed([...new Set(names)], "or")}`;
  return `the change set ${listed([...new Set(names)], "or")}`;
}

function fenceWords({ where, effect }: Allowed, place: string, guardrails: Ground["guardrails"]): string {
  const tagged = `tagged ${guardrails.environmentTag}=${guardrails.nonProduction.join("|")}`;
  switch (where) {
    case "anywhere":
      return effect !== "reads" && /\bany /.test(place) ? ", production included" : "";
    case "tagged":
      return `, only if ${tagged}`;
    case "created":
      return `, only ${tagged} as it is made`;
    case "unclear":
      return ", under conditions that stand in the policy";
  }
}

/** Requirements that the sentence has not told yet. */
function restWords(requires: readonly Requirement[], account: string): string {
  return requires
    .map((requirement) => {
      const { key, values } = requirement;
      if (isCreateAction(requirement)) return `, only as part of ${listed(values, "or")}`;
      if (isChangeSetName(requirement)) return `, only of ${changeSetWords(values)}`;
      if (key.toLowerCase() === "cloudformation:rolearn")
        return `, only through ${placesOf("iam", values, account)}`;
      return `, only with ${key} ${listed(values, "or")}`;
    })
    .join("");
}
