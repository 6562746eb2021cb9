/**
 * The syntax of requests, as strict zod schemas that also make the OpenAPI document: what is not listed is refused,
 * all faults at once. Only syntax: whether a template takes a parameter is policy's to say.
 */
import { z } from "@hono/zod-openapi";
import type { Failure, RequestFault } from "../failure.ts";
import type { IssueRequest } from "../flows/issue-credentials.ts";
import type { SessionPage } from "../flows/list-sessions.ts";
import { err, ok, type Result } from "../result.ts";

const MIN_SECONDS = 900;
const MAX_SECONDS = 43_200;
const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

const DURATION_TEXT = /^(\d{1,5})([smh])$/;

function seconds(duration: number | string): number {
  if (typeof duration === "number") return duration;
  const [, count, unit] = DURATION_TEXT.exec(duration) ?? [];
  return Number(count) * (UNIT_SECONDS[unit ?? ""] ?? Number.NaN);
}

const durationError = "is whole seconds from 900 to 43200, or text such as 15m or 1h";
const duration = z
  .union([z.number(), z.string()], { error: durationError })
  .refine(
    (value) => {
      const count = seconds(value);
      return Number.isInteger(count) && count >= MIN_SECONDS && count <= MAX_SECONDS;
    },
    { error: durationError },
  )
  .openapi({ description: durationError });

/**
 * Values fill ARNs and names. Quotes, braces, `*`, `?`, `$` and white space are in none, so they end here
 * (security cases 17 to 19) before policy, which checks again, sees them.
 */
const parameterValue = z
  .string()
  .regex(/^[A-Za-z0-9_.:/=+@,#-]{1,512}$/, { error: "is 1 to 512 of letters, digits and _.:/=+@,#-" });
const parameterName = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,31}$/, { error: "a parameter's name is lower-case letters, digits and _" });

/** Free text, shown inert. Bidirectional and zero-width characters are kept, so that they can be flagged. */
const freeText = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .regex(/^(?:[\n\t]|[^\p{Cc}\p{Cs}])*$/u, { error: "holds a control character" });

export const credentialsRequest = z
  .strictObject({
    template: z.string().regex(/^[a-z][a-z0-9-]{1,62}$/, { error: "is not a template's name" }),
    parameters: z
      .record(parameterName, z.union([parameterValue, z.array(parameterValue).min(1).max(100)]))
      .optional(),
    account: z
      .string()
      .regex(/^\d{12}$/, { error: "is twelve digits" })
      .optional(),
    duration: duration.optional(),
    task: z.strictObject({
      intent: z.enum(["observe", "change", "destroy"]),
      summary: freeText(1024),
      id: freeText(128).optional(),
    }),
  })
  .openapi("CredentialsRequest");

export const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, { error: "is 1 to 255 visible ASCII characters" });

export const sessionsQuery = z.strictObject({
  limit: z
    .string()
    .regex(/^(?:[1-9]\d?|100)$/, { error: "is a number from 1 to 100" })
    .optional(),
  before: z
    .string()
    .regex(/^tks-[a-z2-7]{24}$/, { error: "is the id of a session" })
    .optional(),
});

const DEFAULT_PAGE = 50;

/** `unverifiedBody` is parsed JSON; `unverifiedKey` the Idempotency-Key header. */
export function readIssueRequest(
  unverifiedBody: unknown,
  unverifiedKey: string | undefined,
): Result<IssueRequest, Failure> {
  const body = credentialsRequest.safeParse(unverifiedBody);
  const key = idempotencyKey.optional().safeParse(unverifiedKey);
  if (!body.success || !key.success) {
    const faults = faultsOf(body.error?.issues ?? [], "");
    return invalid([...faults, ...faultsOf(key.error?.issues ?? [], "Idempotency-Key")]);
  }
  const { template, parameters, account, duration, task } = body.data;
  return ok({
    wish: {
      template,
      parameters: Object.fromEntries(
        Object.entries(parameters ?? {}).map(([name, value]) => [
          name,
          typeof value === "string" ? [value] : value,
        ]),
      ),
      account: account ?? null,
      durationSeconds: duration === undefined ? null : seconds(duration),
      task: { id: task.id ?? null, intent: task.intent, summary: task.summary },
    },
    idempotencyKey: key.data ?? null,
  });
}

export function readSessionsQuery(unverifiedQuery: URLSearchParams): Result<SessionPage, Failure> {
  const names = [...unverifiedQuery.keys()];
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) return invalid([{ at: short(repeated), problem: "is given twice" }]);
  const query = sessionsQuery.safeParse(Object.fromEntries(unverifiedQuery));
  if (!query.success) return invalid(faultsOf(query.error.issues, ""));
  return ok({ limit: Number(query.data.limit ?? DEFAULT_PAGE), before: query.data.before ?? null });
}

export function invalid(faults: readonly RequestFault[]): Result<never, Failure> {
  return err({ code: "invalid_request", faults: faults.slice(0, MAX_FAULTS) });
}

// Names of unknown fields are the client's own text: echoed, stored, and therefore bounded.
const MAX_FAULTS = 50;
const short = (text: string): string => text.slice(0, 128);

function faultsOf(issues: readonly z.core.$ZodIssue[], root: string): RequestFault[] {
  return issues.flatMap((issue) => {
    const at = short([root, ...issue.path.map(String)].filter((part) => part !== "").join("."));
    if (issue.code !== "unrecognized_keys") return [{ at, problem: issue.message }];
    return issue.keys.map((key) => ({
      at: short(at === "" ? key : `${at}.${key}`),
      problem: "unknown field",
    }));
  });
}
