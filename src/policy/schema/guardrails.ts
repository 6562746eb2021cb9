/** guardrails.yaml: what is production, and what no AI session may ever do. */
import * as z from "zod";
import { globMatch } from "../iam/match.ts";
import type { ActionTable } from "../knowledge.ts";
import type { FreezeRule, Guardrails, PolicyFault } from "../set.ts";
import { actionPattern } from "./actions.ts";
import { asWritten } from "./as-written.ts";
import { MINIMUM_FLOOR } from "./minimum-floor.ts";
import { mapOf, readItem, say, valueAt, type Item } from "./report.ts";
import { TAG_TEXT } from "./values.ts";
import type { Source } from "./yaml.ts";

// Not every editor reads patterns with \p in them.
const tagKey = asWritten(
  z
    .string()
    .max(128)
    .regex(TAG_TEXT, { error: say("is not a tag key"), abort: true })
    .regex(/^(?!aws:|twokey:)/i, {
      error: say("`aws:` and `twokey:` tags are not yours to set", "use `environment`"),
    }),
  () => ({ type: "string", minLength: 1, maxLength: 128 }),
);

const nonProduction = asWritten(
  z
    .string()
    .max(256)
    .regex(TAG_TEXT, { error: say("is not a tag value"), abort: true })
    .refine((value) => !isProduction(value), {
      error: say(
        "reads as production, and would open it",
        "list only values that are known not to be production",
      ),
    }),
  () => ({ type: "string", minLength: 1, maxLength: 256 }),
);

/** `nonprod` says what it is; `preprod` is refused with the rest: one slip of the list is production opened. */
function isProduction(value: string): boolean {
  const plain = value.toLowerCase();
  if (/^non[-_. ]?prod(?:uction)?$/.test(plain)) return false;
  return plain.includes("prod") || ["live", "prd", "prd1", "main"].includes(plain);
}

function refuseRepeats(values: readonly string[], context: z.core.$RefinementCtx): void {
  for (const [index, value] of values.entries()) {
    const before = values.slice(0, index).some((other) => other.toLowerCase() === value.toLowerCase());
    if (before)
      context.addIssue({ code: "custom", path: [index], message: say(`\`${value}\` stands here twice`) });
  }
}

const nonProductionArn = z
  .string()
  .max(512)
  .regex(/^arn:[a-z-]+:[a-z0-9-]+:[a-z0-9*-]*:[0-9*]*:[!-~]+$/, {
    error: say("is not an ARN pattern", "such as arn:aws:s3:::*-staging"),
    abort: true,
  })
  .refine((arn) => /[A-Za-z0-9]{3}/.test(arn.split(":").slice(5).join(":")), {
    error: say(
      "says too little: it would match production too",
      "name what marks these resources, such as *-staging",
    ),
  })
  .refine((arn) => !arn.includes("$"), { error: say("cannot hold `$`") })
  // As a word: a bucket of product images is not production.
  .refine((arn) => !/(?<![a-z])(?:prod|production|prd|live)(?![a-z])/i.test(arn), {
    error: say(
      "reads as production, and would open it",
      "list only patterns that are known not to be production",
    ),
  });

const rule = mapOf({
  count: z.int().min(2).max(10_000),
  minutes: z.int().min(1).max(60),
});

export const guardrailsSchema = (table: ActionTable) =>
  mapOf({
    environment: mapOf({
      tag: tagKey,
      non_production: z.array(nonProduction).min(1).max(50).superRefine(refuseRepeats),
      non_production_arns: z.array(nonProductionArn).max(200).default([]),
    }),
    floor: z
      .array(actionPattern(table, { wholeService: true }))
      .min(1)
      .max(500),
    freeze_when: mapOf({
      refusals: rule.optional(),
      sessions: rule.optional(),
      repeats: rule.optional(),
    }).optional(),
  });

type Read = z.output<ReturnType<typeof guardrailsSchema>>;

export function readGuardrails(source: Source, table: ActionTable, faults: PolicyFault[]): Guardrails | null {
  const item = readItem(source, [], guardrailsSchema(table), faults);
  checkFloor(item);
  if (item.whole === null) return null;
  const { environment, floor, freeze_when: rules } = item.whole;
  return {
    environmentTag: environment.tag,
    nonProduction: environment.non_production,
    nonProductionArns: environment.non_production_arns,
    floor,
    freezeRules: {
      refusals: ruleOf(rules?.refusals),
      sessions: ruleOf(rules?.sessions),
      repeats: ruleOf(rules?.repeats),
    },
  };
}

const ruleOf = (read: z.output<typeof rule> | undefined): FreezeRule | null =>
  read === undefined ? null : { count: read.count, seconds: read.minutes * 60 };

/**
 * A floor entry covers a minimum one when it matches it as text: `iam:*` covers `iam:Create*`. Reads the raw
 * list, so that a misspelt entry hides no missing one.
 */
function checkFloor({ raw, fault }: Item<Read>): void {
  const floor = valueAt(raw, ["floor"]);
  if (!Array.isArray(floor)) return;
  const patterns = floor.filter((entry) => typeof entry === "string");
  for (const { action, reason } of MINIMUM_FLOOR) {
    if (patterns.some((pattern) => globMatch(pattern, action, { ignoreCase: true }))) continue;
    fault(
      ["floor"],
      `the floor must hold \`${action}\`: it ${reason}`,
      `add the line \`- ${action}\``,
      "key",
    );
  }
}
