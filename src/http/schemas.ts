/**
 * The syntax of requests, as strict zod schemas that also make the OpenAPI document: what is not listed is refused,
 * all faults at once. Only syntax: whether a template takes a parameter is policy's to say.
 */
import { z } from "@hono/zod-openapi";
import type { Failure, RequestFault } from "../failure.ts";
import type { IssueRequest } from "../flows/issue-credentials.ts";
import type { SessionPage } from "../flows/list-sessions.ts";
import type { EscalationWish } from "../flows/request-escalation.ts";
import type { EscalationPage, EscalationQuestion } from "../flows/show-escalations.ts";
import type { SessionWish } from "../policy/decide.ts";
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

const templateName = z.string().regex(/^[a-z][a-z0-9-]{1,62}$/, { error: "is not a template's name" });
const parameters = z.record(
  parameterName,
  z.union([parameterValue, z.array(parameterValue).min(1).max(100)]),
);
const account = z.string().regex(/^\d{12}$/, { error: "is twelve digits" });
const task = z.strictObject({
  intent: z.enum(["observe", "change", "destroy"]),
  summary: freeText(1024),
  id: freeText(128).optional(),
});
const escalationId = z.string().regex(/^esc-[a-z2-7]{24}$/, { error: "is the id of an escalation" });

const wishFields = {
  template: templateName,
  parameters: parameters.optional(),
  account: account.optional(),
  duration: duration.optional(),
  task,
};

export const credentialsRequest = z.strictObject(wishFields).openapi("CredentialsRequest");

export const grantRequest = z
  .strictObject({
    escalation: escalationId,
    template: templateName.optional(),
    parameters: parameters.optional(),
    account: account.optional(),
    duration: duration.optional(),
  })
  .openapi("GrantRequest");

/** Shown to people whole or not at all: what is too long is refused, never cut (security case 40). */
export const escalationRequest = z
  .strictObject({ ...wishFields, reason: freeText(2000) })
  .openapi("EscalationRequest");

export const idempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, { error: "is 1 to 255 visible ASCII characters" });

const pageSize = z
  .string()
  .regex(/^(?:[1-9]\d?|100)$/, { error: "is a number from 1 to 100" })
  .optional();

export const sessionsQuery = z.strictObject({
  limit: pageSize,
  before: z
    .string()
    .regex(/^tks-[a-z2-7]{24}$/, { error: "is the id of a session" })
    .optional(),
});

export const escalationsQuery = z.strictObject({ limit: pageSize, before: escalationId.optional() });

export const waitQuery = z.strictObject({
  wait: z
    .string()
    .regex(/^(?:[1-5]?\d|60)$/, { error: "is whole seconds from 0 to 60" })
    .optional(),
});

const DEFAULT_PAGE = 50;

type Wished = z.output<typeof credentialsRequest>;

/** `unverifiedBody` is parsed JSON; `unverifiedKey` the Idempotency-Key header. */
export function readIssueRequest(
  unverifiedBody: unknown,
  unverifiedKey: string | undefined,
): Result<IssueRequest, Failure> {
  if (typeof unverifiedBody === "object" && unverifiedBody !== null && "escalation" in unverifiedBody) {
    const read = readBody(grantRequest, unverifiedBody, unverifiedKey);
    if (!read.ok) return read;
    const { body, idempotencyKey } = read.value;
    return ok({
      grant: {
        escalation: body.escalation,
        template: body.template ?? null,
        parameters: body.parameters === undefined ? null : lists(body.parameters),
        account: body.account ?? null,
        durationSeconds: body.duration === undefined ? null : seconds(body.duration),
      },
      idempotencyKey,
    });
  }
  const read = readBody(credentialsRequest, unverifiedBody, unverifiedKey);
  if (!read.ok) return read;
  return ok({ wish: wishOf(read.value.body), idempotencyKey: read.value.idempotencyKey });
}

/** The same for an escalation. */
export function readEscalationRequest(
  unverifiedBody: unknown,
  unverifiedKey: string | undefined,
): Result<EscalationWish, Failure> {
  const read = readBody(escalationRequest, unverifiedBody, unverifiedKey);
  if (!read.ok) return read;
  const { body, idempotencyKey } = read.value;
  return ok({ wish: wishOf(body), reason: body.reason, idempotencyKey });
}

function readBody<Body extends z.ZodType>(
  schema: Body,
  unverifiedBody: unknown,
  unverifiedKey: string | undefined,
): Result<{ readonly body: z.output<Body>; readonly idempotencyKey: string | null }, Failure> {
  const body = schema.safeParse(unverifiedBody);
  const key = idempotencyKey.optional().safeParse(unverifiedKey);
  if (body.success && key.success) return ok({ body: body.data, idempotencyKey: key.data ?? null });
  const faults = faultsOf(body.error?.issues ?? [], "");
  return invalid([...faults, ...faultsOf(key.error?.issues ?? [], "Idempotency-Key")]);
}

function wishOf({ template, parameters, account, duration, task }: Wished): SessionWish {
  return {
    template,
    parameters: lists(parameters ?? {}),
    account: account ?? null,
    durationSeconds: duration === undefined ? null : seconds(duration),
    task: { id: task.id ?? null, intent: task.intent, summary: task.summary },
  };
}

const lists = (values: z.output<typeof parameters>): Readonly<Record<string, readonly string[]>> =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, typeof value === "string" ? [value] : value]),
  );

export const readSessionsQuery = (unverifiedQuery: URLSearchParams): Result<SessionPage, Failure> =>
  readPage(sessionsQuery, unverifiedQuery);

export const readEscalationsQuery = (unverifiedQuery: URLSearchParams): Result<EscalationPage, Failure> =>
  readPage(escalationsQuery, unverifiedQuery);

function readPage(
  schema: typeof sessionsQuery | typeof escalationsQuery,
  unverifiedQuery: URLSearchParams,
): Result<{ readonly limit: number; readonly before: string | null }, Failure> {
  const query = readQuery(schema, unverifiedQuery);
  if (!query.ok) return query;
  const { limit, before } = query.value;
  return ok({ limit: Number(limit ?? DEFAULT_PAGE), before: before ?? null });
}

/** What is no escalation's id names nothing: `not_found`, as for another agent's. */
export function readEscalationId(unverifiedId: string | undefined): Result<string, Failure> {
  const id = escalationId.safeParse(unverifiedId);
  return id.success ? ok(id.data) : err({ code: "not_found" });
}

export function readEscalationQuestion(
  unverifiedId: string | undefined,
  unverifiedQuery: URLSearchParams,
): Result<EscalationQuestion, Failure> {
  const id = readEscalationId(unverifiedId);
  if (!id.ok) return id;
  const query = readQuery(waitQuery, unverifiedQuery);
  return query.ok ? ok({ id: id.value, waitSeconds: Number(query.value.wait ?? 0) }) : query;
}

export function readQuery<Query extends z.ZodType>(
  schema: Query,
  unverifiedQuery: URLSearchParams,
): Result<z.output<Query>, Failure> {
  const names = [...unverifiedQuery.keys()];
  const repeated = names.find((name, index) => names.indexOf(name) !== index);
  if (repeated !== undefined) return invalid([{ at: short(repeated), problem: "is given twice" }]);
  const query = schema.safeParse(Object.fromEntries(unverifiedQuery));
  return query.success ? ok(query.data) : invalid(faultsOf(query.error.issues, ""));
}

export function invalid(faults: readonly RequestFault[]): Result<never, Failure> {
  return err({ code: "invalid_request", faults: faults.slice(0, MAX_FAULTS) });
}

// Names of unknown fields are the client's own text: echoed, stored, and therefore bounded.
const MAX_FAULTS = 50;
const short = (text: string): string => text.slice(0, 128);

export function faultsOf(issues: readonly z.core.$ZodIssue[], root: string): RequestFault[] {
  return issues.flatMap((issue) => {
    const at = short([root, ...issue.path.map(String)].filter((part) => part !== "").join("."));
    if (issue.code !== "unrecognized_keys") return [{ at, problem: issue.message }];
    return issue.keys.map((key) => ({
      at: short(at === "" ? key : `${at}.${key}`),
      problem: "unknown field",
    }));
  });
}
