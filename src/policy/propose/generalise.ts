/**
 * From the resources an action was seen on to the ones a template names: account, region and names become
 * placeholders, and a name may be no more than the guardrails leave it. Pure.
 */
import { globMatch } from "../iam/match.ts";
import type { ActionResource } from "../knowledge.ts";
import type { Guardrails, ParameterSpec } from "../set.ts";

export interface General {
  /** As the template writes it. */
  readonly resource: string;
  readonly parameter: string | null;
  readonly spec: ParameterSpec | null;
}

/** What the parts of a resource are called, where the first is not the type itself. */
const PARTS: Readonly<Record<string, string>> = {
  "ecs:container-instance": "cluster",
  "ecs:service": "cluster",
  "ecs:task": "cluster",
  "ecs:task-set": "cluster",
  "s3:object": "bucket",
};

/** More names than these in one template are a pattern, and whoever edits it says which. */
const MOST_NAMES = 5;

/** A string: why no resource of this type may be named. `seen` empty: none was. */
export function generalise(
  { type, arn, tagged }: Pick<ActionResource, "type" | "arn"> & { readonly tagged: boolean },
  seen: readonly string[],
  { nonProductionArns }: Guardrails,
): General | string {
  const [, , service = "", region = "", account = "", ...rest] = arn.split(":");
  const pattern = rest.join(":");
  if (rest.length === 0) return { resource: "*", parameter: null, spec: null };
  const prefix = `arn:aws:${service}:${region === "" ? "" : "${region}"}:${account === "" ? "" : "${account}"}:`;
  const star = pattern.indexOf("*");
  if (star < 0) return { resource: prefix + pattern, parameter: null, spec: null };
  const parameter = (PARTS[`${service}:${type}`] ?? type)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "_")
    .slice(0, 32);
  const resource = `${prefix}${pattern.slice(0, star)}\${${parameter}}${pattern.slice(star + 1)}`;
  const names = [...new Set(seen.map((one) => nameAt(one, pattern, star)))].filter((name) => name !== "");
  const like = tagged ? null : likesOf(nonProductionArns, service, pattern, star);
  const outside = names.filter((name) => like?.some((wide) => globMatch(wide, name)) === false);
  if (like?.length === 0 || outside.length > 0) {
    const which = outside.length > 0 ? outside.join(", ") : "nothing of this type";
    return `AWS honours no tags on it, and guardrails' non_production_arns ${outside.length > 0 ? "do not hold" : "hold"} ${which}`;
  }
  const exact = names.length > 0 && names.length <= MOST_NAMES && !names.some((name) => /[*?]/.test(name));
  const spec: ParameterSpec = {
    description: `Name of the ${parameter.replaceAll("_", " ")}.`,
    like:
      like === null
        ? exact
          ? names
          : ["*"]
        : names.length > 0
          ? like.filter((wide) => names.some((name) => globMatch(wide, name)))
          : like,
    optional: false,
    max: 1,
    longest: 128,
  };
  return { resource, parameter, spec };
}

/** The text of a real ARN where the pattern's first `*` stands, up to what follows it. */
function nameAt(arn: string, pattern: string, star: number): string {
  const text = arn.split(":").slice(5).join(":").slice(star);
  const end = pattern.charAt(star + 1);
  return end === "" ? text : (text.split(end)[0] ?? "");
}

/** What the guardrails' ARNs of this service say at that place; only where all around it fits. */
function likesOf(arns: readonly string[], service: string, pattern: string, star: number): readonly string[] {
  const [before, after] = [pattern.slice(0, star), pattern.slice(star + 1)];
  return arns.flatMap((arn) => {
    const parts = arn.split(":");
    const text = parts.slice(5).join(":");
    const fits = parts[2] === service && text.startsWith(before) && text.endsWith(after);
    const middle = text.slice(before.length, text.length - after.length);
    return fits && middle !== "" && !middle.includes("/") ? [middle] : [];
  });
}
