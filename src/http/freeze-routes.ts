/** The routes on which an operator's tool stops things, and sees what is stopped. None of them thaws: that takes a person. */
import { z } from "@hono/zod-openapi";
import type { FreezeAnswer, FreezesAnswer, FreezeView, RoleDenialView } from "../api.ts";
import type { Failure } from "../failure.ts";
import type { Broker } from "../flows/admit.ts";
import { freezeByOperator, listFreezes, type FreezeOrder } from "../flows/freeze-by.ts";
import type { Frozen } from "../flows/freeze.ts";
import type { FreezeTarget } from "../identity/freeze.ts";
import { ok, type Result } from "../result.ts";
import type { Freeze, RoleDenial } from "../session/freeze-store.ts";
import { JSON_TYPE, readPost, type TokenRoute } from "./agent-route.ts";
import { MAX_BODY_BYTES } from "./body.ts";
import { faultsOf, invalid } from "./schemas.ts";

const NAMES = { error: "is the name of an agent or a template, or the id of a session" };
const name = z.string().regex(/^[a-z0-9][a-z0-9-]{0,127}$/, NAMES);
const LONGEST_REASON = 2_000;
export const freezeReason = z
  .string()
  .max(LONGEST_REASON, { error: `has at most ${LONGEST_REASON} characters` })
  .regex(/^[^\p{Cc}\p{Cs}]*$/u, { error: "is one line, without control characters" });
/** What is frozen or thawed. */
export const freezeTarget = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.enum(["session", "agent", "template"]), name }),
  z.strictObject({ kind: z.literal("all") }),
]);
export const targetOf = (read: z.output<typeof freezeTarget>): FreezeTarget =>
  read.kind === "all" ? { kind: "all", name: null } : read;

const freezeRequest = z
  .union([
    z.strictObject({
      kind: z.enum(["session", "agent", "template"]),
      name,
      reason: freezeReason.optional(),
    }),
    z.strictObject({ kind: z.literal("all"), reason: freezeReason.optional() }),
  ])
  .openapi("FreezeRequest");

const view = z.object({
  id: z.string(),
  kind: z.enum(["session", "agent", "template", "all"]),
  name: z.string().nullable(),
  reason: z.string(),
  by: z.enum(["person", "operator", "rule"]),
  person: z.string().nullable(),
  frozen_at: z.string(),
  audit_entry: z.int(),
  first_key: z.string().nullable().describe("the administrator whose key lies there, where a thaw takes two"),
}) satisfies z.ZodType<FreezeView>;
const role = z.object({
  role_arn: z.string(),
  state: z.enum(["waiting", "in_force", "failed"]).describe("whether IAM has the policy that denies"),
  form: z.enum(["nobody", "sessions", "everyone"]).nullable(),
  since: z.string().nullable().describe("AWS puts it into effect within seconds to minutes"),
  message: z.string().nullable(),
}) satisfies z.ZodType<RoleDenialView>;
const answer = z
  .object({
    freeze: view,
    sessions: z
      .array(z.object({ id: z.string(), expires_at: z.string().nullable() }))
      .describe("live sessions that were delivered before it"),
    roles: z.array(role).describe("what is in force in AWS"),
    url: z.string().describe("where people thaw it"),
  })
  .openapi("FreezeAnswer") satisfies z.ZodType<FreezeAnswer>;
const list = z
  .object({ freezes: z.array(view), roles: z.array(role), url: z.string() })
  .openapi("FreezesAnswer") satisfies z.ZodType<FreezesAnswer>;

function readOrder(unverifiedBody: unknown): Result<FreezeOrder, Failure> {
  const read = freezeRequest.safeParse(unverifiedBody);
  if (!read.success) return invalid(faultsOf(read.error.issues, ""));
  const { reason = "", ...target } = read.data;
  return ok({ target: targetOf(target), reason });
}

export const freezeView = ({
  id,
  target,
  reason,
  by,
  person,
  frozenAt,
  entry,
  firstKey,
}: Freeze): FreezeView => ({
  id,
  kind: target.kind,
  name: target.name,
  reason,
  by,
  person,
  frozen_at: frozenAt.toISOString(),
  audit_entry: entry,
  first_key: firstKey,
});

const roleView = ({ roleArn, state, form, since, message }: RoleDenial): RoleDenialView => ({
  role_arn: roleArn,
  state,
  form,
  since: since?.toISOString() ?? null,
  message,
});

const pageOf = ({ site }: Broker): string => `${site.origin}/sessions`;

export const frozenAnswer = (broker: Broker, { freeze, sessions, roles }: Frozen): FreezeAnswer => ({
  freeze: freezeView(freeze),
  sessions: sessions.map(({ id, expiresAt }) => ({ id, expires_at: expiresAt?.toISOString() ?? null })),
  roles: roles.map(roleView),
  url: pageOf(broker),
});

export const FREEZE_ROUTES: readonly TokenRoute[] = [
  {
    caller: "operator",
    method: "POST",
    path: "/v1/freezes",
    status: 201,
    summary: "Freeze a session, an agent, a template or all of Twokey",
    description:
      "From the answer on nothing of it is minted or delivered, on any replica. `roles` says what AWS has taken to deny what was delivered before. Freezing what is frozen answers with the freeze that is there.",
    request: { body: { required: true, content: { [JSON_TYPE]: { schema: freezeRequest } } } },
    answer: { description: "What is in force", type: JSON_TYPE, schema: answer },
    handle: async (broker, call, incoming) => {
      const frozen = await freezeByOperator(broker, call, () =>
        readPost(incoming, MAX_BODY_BYTES, readOrder),
      );
      return frozen.ok ? ok(frozenAnswer(broker, frozen.value)) : frozen;
    },
  },
  {
    caller: "operator",
    method: "GET",
    path: "/v1/freezes",
    summary: "What is frozen, and what is in force in AWS",
    answer: { description: "Freezes, newest first", type: JSON_TYPE, schema: list },
    handle: async (broker, call) => {
      const found = await listFreezes(broker, call);
      if (!found.ok) return found;
      const { freezes, roles } = found.value;
      return ok<FreezesAnswer>({
        freezes: freezes.map(freezeView),
        roles: roles.map(roleView),
        url: pageOf(broker),
      });
    },
  },
];
