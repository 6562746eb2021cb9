/**
 * How large a template's session policy gets: as written with the longest values its parameters permit, and what
 * becomes of it at STS's limit. Reports; what is too large is refused when it is asked for.
 */
import { compile, limitOf } from "../compile.ts";
import { SESSION_POLICY_LIMIT } from "../fit.ts";
import type { PreparedTemplate } from "../prepare.ts";
import type { Account, ParameterSpec, PolicySet } from "../set.ts";
import { LONGEST_VALUE } from "../parameters.ts";
import type { Finding } from "./finding.ts";

export interface TemplateSize {
  /** Characters of JSON as the compiler writes it, with the longest values, in the account where it is largest. */
  readonly worst: number;
  /** Characters sent to STS inline; null where it does not fit at all. */
  readonly sent: number | null;
  /**
   * What it takes to fit: nothing, shorter names in Denies, Allows widened to whole services (every limit stands as
   * a Deny), statements moved to managed policies; or it is too large.
   */
  readonly form: "as written" | "folded" | "widened" | "split" | "too large";
  readonly limit: number;
}

/** Far above any policy: the document as it is before anything is shortened. */
const UNLIMITED = 1_000_000;

export function sizeOf(prepared: PreparedTemplate, set: PolicySet): TemplateSize {
  const sizes = accountsOf(prepared, set).map((account) =>
    sizeIn(prepared, account, longest(prepared, LONGEST_VALUE)),
  );
  const rank = ({ form, worst }: TemplateSize): number => worst + (form === "too large" ? UNLIMITED : 0);
  return sizes.reduce((a, b) => (rank(b) > rank(a) ? b : a), sizes[0] ?? none);
}

const none: TemplateSize = { worst: 0, sent: 0, form: "as written", limit: SESSION_POLICY_LIMIT };

/** `fault`: no values at all make it fit. `warning`: the longest do not. */
export function sizeFindings(
  prepared: PreparedTemplate,
  set: PolicySet,
  size: TemplateSize,
): readonly Finding[] {
  const { template } = prepared;
  if (size.form !== "too large") return [];
  const names = Object.keys(template.parameters);
  const fits = (length: number): boolean =>
    accountsOf(prepared, set).every(
      (account) => sizeIn(prepared, account, longest(prepared, length)).form !== "too large",
    );
  const at = { file: template.file, path: names.length > 0 ? ["parameters"] : ["allow"] } as const;
  const [first] = accountsOf(prepared, set);
  if (first !== undefined && sizeIn(prepared, first, shortest(prepared)).form === "too large") {
    const message = `the session policy takes more than ${size.limit} characters, whatever the values: STS refuses it`;
    return [{ level: "fault", ...at, message, fix: "allow fewer actions, or make two templates of it" }];
  }
  const most = highest(1, LONGEST_VALUE, fits);
  const message = `with the longest values that the parameters permit the session policy takes ${size.worst} characters, and STS takes ${size.limit}: such a request is refused`;
  const fix =
    most === null
      ? "lower `max` of a parameter"
      : `every request fits with \`longest: ${most}\` on each parameter`;
  return [{ level: "warning", ...at, message, fix }];
}

function accountsOf({ template }: PreparedTemplate, set: PolicySet): readonly Account[] {
  return set.accounts.filter(({ id }) => template.accounts?.includes(id) ?? true);
}

type Parameters = Readonly<Record<string, readonly string[]>>;

function sizeIn(prepared: PreparedTemplate, account: Account, parameters: Parameters): TemplateSize {
  const limit = limitOf(prepared);
  const plain = compile(prepared, { account, parameters }, UNLIMITED);
  const fitted = compile(prepared, { account, parameters });
  const worst = plain.ok ? plain.value.policy.length : 0;
  if (!fitted.ok) {
    return {
      worst,
      sent: null,
      form: fitted.error.reason === "too_large" ? "too large" : "as written",
      limit,
    };
  }
  const allows = ({ document }: typeof fitted.value): string =>
    JSON.stringify(document.Statement.filter(({ Effect }) => Effect === "Allow"));
  const form =
    fitted.value.policyArns.length > 0
      ? "split"
      : !plain.ok || plain.value.policy === fitted.value.policy
        ? "as written"
        : allows(plain.value) === allows(fitted.value)
          ? "folded"
          : "widened";
  return { worst, sent: fitted.value.policy.length, form, limit };
}

/** Every parameter with as many values as it takes, each as long as it may be, and never longer than `most`. */
function longest({ template }: PreparedTemplate, most: number): Parameters {
  return valuesOf(template.parameters, (spec) =>
    Array.from({ length: spec.max }, (_, index) =>
      longestValue(spec, Math.min(most, spec.longest ?? LONGEST_VALUE), index),
    ),
  );
}

function shortest({ template }: PreparedTemplate): Parameters {
  const entries = Object.entries(template.parameters);
  const required = entries.filter(([, spec]) => !spec.optional);
  return valuesOf(Object.fromEntries(required.length > 0 ? required : entries.slice(0, 1)), (spec) => [
    longestValue(spec, 1, 0),
  ]);
}

function valuesOf(
  parameters: Readonly<Record<string, ParameterSpec>>,
  values: (spec: ParameterSpec) => readonly string[],
): Parameters {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, spec]) => [name, [...new Set(values(spec))]]),
  );
}

/** `index` tells values of one parameter apart, which would otherwise be one value. */
function longestValue({ like }: ParameterSpec, most: number, index: number): string {
  const values = like.map((pattern) => {
    const fixed = pattern.replaceAll("*", "").length;
    const filler = `${String(index)}${"x".repeat(LONGEST_VALUE)}`.slice(0, Math.max(1, most - fixed));
    let filled = false;
    return pattern
      .replace(/\*/g, () => {
        if (filled) return "";
        filled = true;
        return filler;
      })
      .replaceAll("?", "x");
  });
  return values.reduce((a, b) => (b.length > a.length ? b : a), "");
}

/** The highest number for which it holds, where it holds up to some number and not beyond; null where never. */
function highest(least: number, most: number, holds: (number: number) => boolean): number | null {
  if (!holds(least)) return null;
  let [low, high] = [least, most + 1];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return low;
}
