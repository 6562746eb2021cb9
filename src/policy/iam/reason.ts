/**
 * One sentence for a person on why a request was decided as it was. Must not decide anything, and must not pass
 * text of the request on raw: it may hold line breaks or characters that turn the line around.
 */
import type { Condition } from "./condition.ts";
import type { Match, PreparedRequest } from "./statement.ts";
import type { EvaluationRequest, Layer } from "./types.ts";

const LAYER_NAMES: Readonly<Record<Layer, string>> = {
  identity: "the identity policy",
  resource: "the resource policy",
  boundary: "the permissions boundary",
  session: "the session policy",
  scp: "the service control policy",
};

const LONGEST_QUOTE = 200;
/** What quoting leaves as it is. */
const PLAIN = /^[ !#-[\]-~]{0,200}$/;

/** Quoted, cut, and in printable ASCII. */
function quote(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  const cut = text.length > LONGEST_QUOTE ? `${text.slice(0, LONGEST_QUOTE)}…` : text;
  return JSON.stringify(cut).replace(
    /[^\x20-\x7e…]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

const place = ({ statement: { name }, layer }: Match): string =>
  `statement ${/^[A-Za-z0-9]+$/.test(name) ? `\`${name}\`` : quote(name)} in ${LAYER_NAMES[layer]}`;

const asked = ({ action, resource }: EvaluationRequest): string =>
  resource === "*" ? action : `${action} on ${quote(resource)}`;

export function denyReason(match: Match, prepared: PreparedRequest, request: EvaluationRequest): string {
  const because = match.statement.conditions.map((condition) => stateOf(condition, prepared)).join(" and ");
  return `Deny ${place(match)} matched ${asked(request)}${because === "" ? "" : `: ${because}`}.`;
}

function stateOf({ key, name }: Condition, { context }: PreparedRequest): string {
  const value = context.get(name);
  if (value === undefined) return `${key} is absent`;
  return `${key} is ${typeof value === "string" ? quote(value) : value.map(quote).join(", ")}`;
}

export const missingReason = (layer: Layer, request: EvaluationRequest): string =>
  `No statement in ${LAYER_NAMES[layer]} allows ${asked(request)}.`;

export const allowedReason = (allows: readonly Match[], request: EvaluationRequest): string =>
  `Allowed ${asked(request)} by ${allows.length === 0 ? "being the root user" : allows.map(place).join(" and ")}.`;
