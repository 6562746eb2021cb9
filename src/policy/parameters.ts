/**
 * Turns what an agent sent as parameters into values that may stand in a policy. A value is plain text: no
 * wildcard, no `${`, no quote, nothing an ARN or a condition could read as more than itself.
 */
import type { RequestFault } from "../failure.ts";
import { err, ok, type Result } from "../result.ts";
import { globMatch } from "./iam/match.ts";
import type { ParameterSpec, Template } from "./set.ts";

/** Characters of one value at most, where a parameter's `longest` says no less. */
export const LONGEST_VALUE = 512;

/** Also safe as an unquoted word of a shell: escalate-command.ts relies on it. */
export const PLAIN_VALUE = /^[A-Za-z0-9_.:/=+,@-]{1,512}$/;

export function acceptParameters(
  template: Pick<Template, "parameters">,
  given: Readonly<Record<string, readonly string[]>>,
): Result<Readonly<Record<string, readonly string[]>>, readonly RequestFault[]> {
  const faults: RequestFault[] = [];
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(template.parameters, name)) {
      const known = Object.keys(template.parameters).join(", ") || "none";
      faults.push({
        at: `parameters.${name}`,
        problem: `the template has no such parameter (it has: ${known})`,
      });
    }
  }
  for (const [name, spec] of Object.entries(template.parameters)) {
    const values = Object.hasOwn(given, name) ? given[name] : undefined;
    const problem = parameterProblem(spec, values);
    if (problem !== null) faults.push({ at: `parameters.${name}`, problem });
  }
  const names = Object.keys(template.parameters);
  // An empty list names nothing, and would leave a statement without a resource.
  const accepted = Object.fromEntries(Object.entries(given).filter(([, values]) => values.length > 0));
  if (faults.length === 0 && names.length > 0 && Object.keys(accepted).length === 0) {
    faults.push({ at: "parameters", problem: `name at least one of ${names.join(", ")}` });
  }
  return faults.length > 0 ? err(faults) : ok(accepted);
}

function parameterProblem(spec: ParameterSpec, values: readonly string[] | undefined): string | null {
  if (values === undefined || values.length === 0)
    return spec.optional ? null : `required: ${spec.description}`;
  if (values.length > spec.max) return `at most ${spec.max} ${spec.max === 1 ? "value" : "values"}`;
  for (const value of values) {
    if (!PLAIN_VALUE.test(value))
      return "only letters, digits and _ . : / = + , @ - are allowed, and at most 512 of them";
    if (value.length > (spec.longest ?? LONGEST_VALUE))
      return `at most ${spec.longest ?? LONGEST_VALUE} characters`;
    if (!spec.like.some((like) => likeMatches(like, value)))
      return `must look like ${spec.like.join(" or ")}`;
  }
  return null;
}

/** Part by part, so that `*` never runs over a `:` or `/` into another field of an ARN. */
function likeMatches(like: string, value: string): boolean {
  const [patterns, parts] = [like.split(/([:/])/), value.split(/([:/])/)];
  return (
    patterns.length === parts.length && patterns.every((part, index) => globMatch(part, parts[index] ?? ""))
  );
}
