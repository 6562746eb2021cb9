/** Condition blocks and request contexts as the files write them; shapes only, never what they mean. */
import * as z from "zod";
import { OPERATORS } from "../iam/operators.ts";
import type { ConditionBlock } from "../iam/types.ts";
import { didYouMean } from "../suggest.ts";
import { asWritten } from "./as-written.ts";
import { say } from "./report.ts";
import { oneOrMany } from "./values.ts";

const KNOWN = [...OPERATORS.keys(), "Null"];

const operator = z.string().superRefine((name, context) => {
  const bare = name.replace(/^(?:ForAllValues|ForAnyValue):/, "").replace(/(?<!^Null)IfExists$/, "");
  if (KNOWN.includes(bare)) return;
  context.addIssue({
    code: "custom",
    message: say(`there is no condition operator \`${name}\``, didYouMean(bare, KNOWN)),
  });
});

const conditionKey = z.string().regex(/^[a-z0-9-]+:[\w.:/=+@-]{1,256}$/i, {
  error: say("is not a condition key", "such as aws:ResourceTag/environment"),
});

/** IAM values are text; YAML's numbers and booleans mean their own spelling. */
const value = asWritten(
  z.preprocess(
    (raw) => (typeof raw === "boolean" || Number.isFinite(raw) ? String(raw) : (raw ?? undefined)),
    z.string().max(512),
  ),
  () => ({ type: ["string", "number", "boolean"] }),
);

/** A list of one is written as its value, so that both spellings have one digest. */
const valueList = oneOrMany(value, 50);
const values = valueList.transform((list) => (list.length === 1 && list[0] !== undefined ? list[0] : list));

export const conditionBlock: z.ZodType<ConditionBlock> = z.record(operator, z.record(conditionKey, values));

export const requestContext = z.record(conditionKey, values);
