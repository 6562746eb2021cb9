/** The API's answers as schemas, for the OpenAPI document only: answers are not parsed on their way out. */
import { z } from "@hono/zod-openapi";
import type {
  CredentialsAnswer,
  EscalationAnswer,
  EscalationsAnswer,
  SessionsAnswer,
  TemplatesAnswer,
} from "../api.ts";
import { PROBLEMS, type ProblemCode } from "./problem-kinds.ts";

const time = z.iso.datetime();
const intent = z.enum(["observe", "change", "destroy"]);

export const credentialsAnswerSchema = z
  .object({
    credentials: z.object({
      access_key_id: z.string(),
      secret_access_key: z.string(),
      session_token: z.string(),
      expiration: time,
    }),
    session: z.object({
      id: z.string(),
      agent: z.string(),
      template: z.string(),
      account: z.string(),
      region: z.string(),
      role_arn: z.string(),
      expires_at: time,
      duration: z.int().describe("seconds"),
      may: z.string().describe("What this session may do, in one sentence."),
      policy_version: z.string(),
      audit_entry: z.int(),
    }),
  })
  .openapi("CredentialsAnswer") satisfies z.ZodType<CredentialsAnswer>;

const parameter = z.object({
  description: z.string(),
  like: z.array(z.string()),
  optional: z.boolean(),
  max: z.int(),
});

export const templatesAnswerSchema = z
  .object({
    agent: z.string(),
    templates: z.array(
      z.object({
        name: z.string(),
        kind: z.enum(["standing", "escalation"]),
        title: z.string(),
        description: z.string(),
        intent,
        accounts: z.array(z.string()),
        duration: z.object({ default: z.int(), max: z.int() }),
        parameters: z.record(z.string(), parameter),
      }),
    ),
  })
  .openapi("TemplatesAnswer") satisfies z.ZodType<TemplatesAnswer>;

export const sessionsAnswerSchema = z
  .object({
    sessions: z.array(
      z.object({
        id: z.string(),
        template: z.string(),
        account: z.string(),
        state: z.enum(["intent", "issued", "failed", "unknown"]),
        task: z.object({ intent, summary: z.string(), id: z.string().nullable() }),
        requested_at: time,
        expires_at: time.nullable(),
        policy_version: z.string(),
        policy_current: z
          .boolean()
          .describe("false: minted under an older policy set than the one now served"),
      }),
    ),
    next: z.string().nullable().describe("Pass as `before` for the next page; null at the end."),
  })
  .openapi("SessionsAnswer") satisfies z.ZodType<SessionsAnswer>;

export const escalationAnswerSchema = z
  .object({
    id: z.string(),
    state: z.enum(["pending", "approved", "consumed", "denied", "expired", "cancelled"]),
    error: z
      .enum(["authorization_pending", "access_denied", "expired_token"])
      .nullable()
      .describe("for an agent that waits; null once it may collect, or did"),
    digest: z.string().describe("SHA-256 of everything that would be executed"),
    code: z.string().describe("two words, shown to whoever decides as well"),
    url: z.string().describe("the page where people decide"),
    template: z.string(),
    account: z.string(),
    parameters: z.record(z.string(), z.array(z.string())),
    duration: z.int().describe("seconds"),
    may: z.string().describe("what the session could do, in one sentence"),
    reason: z.string(),
    requested_at: time,
    expires_at: time,
    usable_until: time.nullable().describe("until when the grant may be used; null while there is none"),
    interval: z.int().describe("seconds between two questions without `wait`"),
    approvals: z.int(),
    quorum: z.int(),
    denial: z.string().nullable().describe("why it was denied, in the approver's words"),
    session: z.string().nullable().describe("the session that used the grant"),
  })
  .openapi("EscalationAnswer") satisfies z.ZodType<EscalationAnswer>;

export const escalationsAnswerSchema = z
  .object({
    escalations: z.array(escalationAnswerSchema),
    next: z.string().nullable().describe("Pass as `before` for the next page; null at the end."),
  })
  .openapi("EscalationsAnswer") satisfies z.ZodType<EscalationsAnswer>;

export const problemSchema = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.enum(Object.keys(PROBLEMS) as ProblemCode[]),
    detail: z.string(),
    request_id: z.string(),
    next: z.string().optional().describe("What an honest agent can do next; may hold a command."),
    errors: z.array(z.object({ at: z.string(), problem: z.string() })).optional(),
  })
  .openapi("Problem");
