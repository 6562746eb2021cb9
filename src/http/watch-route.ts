/** The route on which Watch reports what it saw in AWS. Every text of it is bounded and one line of printable ASCII. */
import { z } from "@hono/zod-openapi";
import type { AlarmAnswer } from "../api.ts";
import type { WatchAlarm } from "../audit/alarm.ts";
import type { Failure } from "../failure.ts";
import { recordAlarm } from "../flows/record-alarm.ts";
import { ok, type Result } from "../result.ts";
import { JSON_TYPE, readPost, type TokenRoute } from "./agent-route.ts";
import { MAX_BODY_BYTES } from "./body.ts";
import { faultsOf, invalid } from "./schemas.ts";

const line = (most: number) =>
  z.string().regex(new RegExp(`^[\\x20-\\x7e]{1,${most}}$`), {
    error: `is one line of 1 to ${most} printable ASCII characters`,
  });
const word = (most: number) =>
  z.string().regex(new RegExp(`^[A-Za-z0-9][A-Za-z0-9._-]{0,${most - 1}}$`), {
    error: `is 1 to ${most} letters, digits, dots, dashes and underscores`,
  });

const alarmRequest = z
  .strictObject({
    rule: word(64),
    event_id: word(64),
    account: z.string().regex(/^\d{12}$/, { error: "is an account's twelve digits" }),
    region: word(32),
    event: line(160),
    principal: line(256).nullable(),
    resource: line(512).nullable(),
    refusal: line(128).nullable().describe("AWS's code where it refused"),
    happened_at: z.iso.datetime({ error: "is a time such as 2026-11-28T08:00:00Z" }),
  })
  .openapi("WatchAlarm");

const answer = z
  .object({ audit_entry: z.int().describe("index in the audit log") })
  .openapi("AlarmAnswer") satisfies z.ZodType<AlarmAnswer>;

function readAlarm(unverifiedBody: unknown): Result<WatchAlarm, Failure> {
  const read = alarmRequest.safeParse(unverifiedBody);
  if (!read.success) return invalid(faultsOf(read.error.issues, ""));
  const { event_id: eventId, happened_at, ...rest } = read.data;
  return ok({ ...rest, eventId, happenedAt: new Date(happened_at) });
}

export const WATCH_ROUTE: TokenRoute = {
  caller: "watch",
  method: "POST",
  path: "/v1/watch",
  status: 201,
  summary: "Record that something happened in AWS that must never happen",
  description:
    "Answers when it is in the audit log. Sent twice it is recorded twice, with the same `event_id`. It freezes nothing.",
  request: { body: { required: true, content: { [JSON_TYPE]: { schema: alarmRequest } } } },
  answer: { description: "It is recorded", type: JSON_TYPE, schema: answer },
  handle: async (broker, call, incoming) => {
    const recorded = await recordAlarm(broker, call, () => readPost(incoming, MAX_BODY_BYTES, readAlarm));
    return recorded.ok ? ok<AlarmAnswer>({ audit_entry: recorded.value.entry }) : recorded;
  },
};
