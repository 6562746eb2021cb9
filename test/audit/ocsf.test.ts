/**
 * Every kind of entry as an OCSF event, held against the schema's own facts: attributes, required ones, enumerations and
 * constraints of classes 6003 and 3002 in version 1.3.0 with the profile `cloud` (https://schema.ocsf.io/1.3.0).
 */
import { expect, test } from "vitest";
import type { StoredEntry } from "../../src/audit/entry.ts";
import { ocsfEvent } from "../../src/audit/ocsf.ts";
import { readEntry } from "../../src/audit/read-entry.ts";
import { ENTRY_KINDS } from "../../src/audit/sentence.ts";
import { entryOf, INTENT } from "../support/every-entry.ts";

type Json = Readonly<Record<string, unknown>>;

/** An object of the schema: what it may have, must have, and must have one of. `~` marks the required. */
interface Shape {
  readonly attributes: Readonly<Record<string, Check>>;
  readonly required: readonly string[];
  readonly oneOf?: readonly string[];
}
type Check = "string" | "integer" | "any" | readonly number[] | Shape | readonly [Shape];

const shape = (attributes: Shape["attributes"], required: string, oneOf?: string): Shape => ({
  attributes,
  required: required.split(" ").filter(Boolean),
  ...(oneOf !== undefined && { oneOf: oneOf.split(" ") }),
});

const named = { name: "string", uid: "string" } as const;
const SERVICE = shape({ ...named, version: "string" }, "", "name uid");
const USER = shape({ ...named, type: "string", type_id: [0, 1, 2, 3, 99] }, "", "account name uid");
const SESSION = shape({ uid: "string", issuer: "string", expiration_time: "integer" }, "");
const METADATA = shape(
  {
    version: "string",
    product: shape({ ...named, version: "string", vendor_name: "string" }, "vendor_name", "name uid"),
    profiles: "any",
    uid: "string",
    sequence: "integer",
    event_code: "string",
    log_name: "string",
  },
  "product version",
);
const CLOUD = shape({ provider: "string", account: shape(named, "", "name uid") }, "provider");

const BASE = {
  metadata: METADATA,
  cloud: CLOUD,
  time: "integer",
  category_name: "string",
  class_name: "string",
  activity_name: "string",
  severity_id: [0, 1, 2, 3, 4, 5, 6, 99],
  status_id: [0, 1, 2, 99],
  status_code: "string",
  status_detail: "string",
  message: "string",
  unmapped: "any",
} as const;
const BASE_REQUIRED = "activity_id category_uid class_uid cloud metadata severity_id time type_uid";

const API_ACTIVITY = shape(
  {
    ...BASE,
    class_uid: [6003],
    category_uid: [6],
    activity_id: [0, 1, 2, 3, 4, 99],
    type_uid: [600300, 600301, 600302, 600303, 600304, 600399],
    actor: shape(
      { user: USER, app_name: "string", session: SESSION },
      "",
      "process user invoked_by session app_name app_uid",
    ),
    api: shape(
      {
        operation: "string",
        service: SERVICE,
        request: shape({ uid: "string" }, "uid"),
        response: shape({ error: "string", error_message: "string" }, ""),
      },
      "operation",
    ),
    src_endpoint: shape({ ...named, svc_name: "string" }, "", "ip uid name hostname svc_name"),
    resources: [shape({ ...named, type: "string" }, "", "name uid")],
  },
  `${BASE_REQUIRED} actor api src_endpoint`,
);

const AUTHENTICATION = shape(
  {
    ...BASE,
    class_uid: [3002],
    category_uid: [3],
    activity_id: [0, 1, 2, 3, 4, 5, 6, 99],
    type_uid: [300200, 300201, 300202, 300203, 300204, 300205, 300206, 300299],
    user: USER,
    service: SERVICE,
    session: SESSION,
    auth_protocol: "string",
    auth_protocol_id: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 99],
  },
  `${BASE_REQUIRED} user`,
  "service dst_endpoint",
);

function faults(value: unknown, check: Check, at: string): readonly string[] {
  if (check === "any") return [];
  if (check === "string") return typeof value === "string" && value !== "" ? [] : [`${at} is no string`];
  if (check === "integer") return Number.isSafeInteger(value) ? [] : [`${at} is no integer`];
  if (isEnum(check)) return check.includes(value as number) ? [] : [`${at} is ${String(value)}`];
  if (isList(check)) {
    const items = Array.isArray(value) ? (value as unknown[]) : [null];
    return items.flatMap((item, n) => faults(item, check[0], `${at}[${n}]`));
  }
  if (typeof value !== "object" || value === null) return [`${at} is no object`];
  return [
    ...check.required.filter((name) => !(name in value)).map((name) => `${at} lacks ${name}`),
    ...((check.oneOf?.some((name) => name in value) ?? true)
      ? []
      : [`${at} has none of ${String(check.oneOf)}`]),
    ...Object.entries(value).flatMap(([name, inner]) => {
      const known = check.attributes[name];
      return known === undefined ? [`${at} has no attribute ${name}`] : faults(inner, known, `${at}.${name}`);
    }),
  ];
}
const isEnum = (check: readonly unknown[] | Shape): check is readonly number[] =>
  Array.isArray(check) && typeof check[0] === "number";
const isList = (check: readonly unknown[] | Shape): check is readonly [Shape] =>
  Array.isArray(check) && typeof check[0] === "object";

/** As it is written to a file. */
const eventOf = (entry: StoredEntry): Json => JSON.parse(JSON.stringify(ocsfEvent(entry, "1.2.3"))) as Json;

test.each(ENTRY_KINDS)("%s is a sound event, and keeps everything the entry says", (kind) => {
  const entry = entryOf(kind);
  const event = eventOf(entry);
  const schema = event["class_uid"] === 3002 ? AUTHENTICATION : API_ACTIVITY;
  expect(faults(event, schema, "event")).toEqual([]);
  expect(event["type_uid"]).toBe(Number(event["class_uid"]) * 100 + Number(event["activity_id"]));
  expect(event["time"]).toBe(Date.parse("2030-01-01T12:00:00.123Z"));
  expect(event["metadata"]).toMatchObject({ version: "1.3.0", event_code: kind, sequence: entry.index });
  expect((event["unmapped"] as Json)["detail"]).toEqual(JSON.parse(JSON.stringify(entry.detail)));
});

test.each([
  ["session.intent", 600301, 99, 1, "AssumeRole"],
  ["session.issued", 600301, 1, 1, "AssumeRole"],
  ["session.failed", 600301, 2, 2, "AssumeRole"],
  ["session.unknown", 600301, 0, 3, "AssumeRole"],
  ["freeze.made", 600301, 1, 3, "Freeze"],
  ["freeze.thawed", 600304, 1, 3, "Thaw"],
  ["role.denied", 600303, 2, 4, "DenyFrozenSessions"],
  ["request.refused", 600301, 2, 2, "POST /v1/credentials"],
  ["human.refused", 600302, 2, 2, "GET /queue"],
  ["escalation.decided", 600303, 1, 1, "DenyEscalation"],
  ["passkey.removed", 600304, 1, 2, "RemovePasskey"],
  ["broker.started", 600399, 1, 1, "StartBroker"],
] as const)(
  "%s has type %i, status %i, severity %i and operation %s",
  (kind, type, status, severity, operation) => {
    expect(eventOf(entryOf(kind))).toMatchObject({
      type_uid: type,
      status_id: status,
      severity_id: severity,
      api: { operation },
    });
  },
);

test("people who sign in and out, and who are not let in, are events of the class Authentication", () => {
  expect(eventOf(entryOf("human.signed_in"))).toMatchObject({
    type_uid: 300201,
    status_id: 1,
    auth_protocol_id: 4,
    user: { uid: "maria" },
    session: { issuer: "https://idp.example.com", expiration_time: Date.parse("2030-01-01T20:00:00Z") },
  });
  expect(eventOf(entryOf("human.signed_out"))).toMatchObject({ type_uid: 300202, status_id: 1 });
  const refused = entryOf("human.refused") as StoredEntry & { readonly kind: "human.refused" };
  const detail = { route: "POST /v1/sign-in/passkey", code: "sign_in_refused", reason: "no such passkey" };
  const event = eventOf({ ...refused, person: null, detail });
  expect(event).toMatchObject({ type_uid: 300201, status_id: 2, user: { name: "unknown", type_id: 0 } });
  expect(faults(event, AUTHENTICATION, "event")).toEqual([]);
});

test("agent, person and broker are told apart, and the account is the role's", () => {
  expect(eventOf(INTENT)).toMatchObject({
    actor: { user: { uid: "orders-ci", type: "AI agent" } },
    cloud: { provider: "AWS", account: { uid: "111122223333" } },
  });
  expect(eventOf(entryOf("session.issued"))).toMatchObject({ cloud: { account: { uid: "444455556666" } } });
  expect(eventOf(entryOf("escalation.decided"))).toMatchObject({
    actor: { user: { uid: "maria", type_id: 1 } },
  });
  expect(eventOf(entryOf("broker.stopped"))).toMatchObject({ actor: { app_name: "twokey" } });
  const nobody = { ...entryOf("request.refused"), agent: null };
  expect(eventOf(nobody)).toMatchObject({ actor: { user: { name: "unknown" } } });
});

test("a kind of a later version is still an event, and nothing is made up of it", () => {
  const text = JSON.stringify({ ...entryOf("broker.started"), kind: "constructor", detail: { new: 1 } });
  const entry = readEntry(9, text);
  if (!entry.ok) throw new Error(entry.error);
  const event = eventOf(entry.value);
  expect(faults(event, API_ACTIVITY, "event")).toEqual([]);
  expect(event).toMatchObject({ type_uid: 600399, status_id: 0, unmapped: { detail: { new: 1 } } });
});

test("an entry read from its text is the entry that was written", () => {
  for (const kind of ENTRY_KINDS) {
    const { index, ...entry } = entryOf(kind);
    expect(readEntry(index, JSON.stringify(entry))).toEqual({ ok: true, value: { index, ...entry } });
  }
});

test.each([
  "",
  "null",
  "[]",
  "{}",
  '{"kind":"broker.started","at":"2030","detail":7}',
  '{"kind":"broker.started","at":"then","detail":{}}',
])("%j is no entry", (text) => {
  expect(readEntry(3, text)).toEqual({ ok: false, error: "entry 3 is no entry of the audit log" });
});
