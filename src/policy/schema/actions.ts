/**
 * Actions as the files write them, held against the published ones. An action nobody published is a fault: in an
 * Allow it grants nothing, and on the floor it protects nothing, and either way its author believes otherwise.
 */
import * as z from "zod";
import { globMatch } from "../iam/match.ts";
import type { ActionTable } from "../knowledge.ts";
import { didYouMean, nearest } from "../suggest.ts";
import { asWritten } from "./as-written.ts";
import { say } from "./report.ts";

const SHAPE = /^([a-z0-9-]+):([a-z0-9*?]+)$/i;

/** Every published action of the pattern, in canonical spelling. */
export function actionsMatching(pattern: string, table: ActionTable): readonly string[] {
  const service = pattern.slice(0, Math.max(pattern.indexOf(":"), 0));
  return table
    .actions(service)
    .map((facts) => facts.name)
    .filter((name) => globMatch(pattern, name, { ignoreCase: true }));
}

/**
 * An action or action pattern in canonical spelling. `wholeService: false` also refuses what reaches every action
 * of a service.
 */
export function actionPattern(
  table: ActionTable,
  options: { readonly wholeService: boolean },
): z.ZodType<string> {
  const judged = z.string().transform((pattern, context) => {
    const fault = faultOf(pattern, table, options.wholeService);
    if (fault !== null) {
      context.addIssue({ code: "custom", message: fault });
      return z.NEVER;
    }
    return canonical(pattern, table);
  });
  return asWritten(judged, () => ({ type: "string", pattern: "^[A-Za-z0-9-]+:[A-Za-z0-9*?]+$" }));
}

/** One published action, no wildcards. */
export function exactAction(table: ActionTable): z.ZodType<string> {
  return actionPattern(table, { wholeService: true }).refine((name) => !/[*?]/.test(name), {
    error: say("must be one action, without wildcards"),
  });
}

function canonical(pattern: string, table: ActionTable): string {
  const known = table.action(pattern)?.name;
  if (known !== undefined) return known;
  const colon = pattern.indexOf(":");
  return pattern.slice(0, colon).toLowerCase() + pattern.slice(colon);
}

function faultOf(pattern: string, table: ActionTable, wholeService: boolean): string | null {
  if (/^\*+(?::\*+)?$/.test(pattern)) {
    return say("`*` would open every action of AWS", "name the services and actions this is for");
  }
  const [, service = "", action = ""] = SHAPE.exec(pattern) ?? [];
  if (service === "") {
    return say(
      `\`${pattern}\` is not an action`,
      "write service:Action, such as cloudformation:DescribeStacks",
    );
  }
  const published = table.actions(service);
  if (published.length === 0)
    return say(`AWS has no service \`${service}\``, nearestService(service, action, table));
  const matched = actionsMatching(pattern, table);
  if (matched.length === 0) return unknown(pattern, action, table);
  if (!wholeService && matched.length === published.length) {
    return say(
      `\`${pattern}\` opens every action of ${service}, also those it gets in future`,
      `name what is needed, such as \`${service}:Describe*\``,
    );
  }
  return null;
}

function unknown(pattern: string, action: string, table: ActionTable): string {
  const names = table.actions(pattern.split(":")[0] ?? "").map((facts) => facts.name);
  if (!/[*?]/.test(action)) return say(`there is no action \`${pattern}\``, didYouMean(pattern, names));
  // `Descrbe*` is nearest to the pattern made of another action's verb.
  const verbs = new Set(names.map((name) => name.replace(/(?<=:[A-Z][a-z]*)(?:[A-Z0-9].*)?$/, "*")));
  return say(`\`${pattern}\` matches no action`, didYouMean(pattern, verbs));
}

function nearestService(service: string, action: string, table: ActionTable): string | null {
  const guess = nearest(service, table.services);
  if (guess === null) return null;
  const name = table.action(`${guess}:${action}`)?.name ?? `${guess}:${action}`;
  return `did you mean \`${name}\`?`;
}
