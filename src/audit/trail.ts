/**
 * One CloudTrail event as reconciliation needs it, made from untrusted JSON. Pure. What is not said is null and never
 * guessed at; which calls are whose is decided elsewhere.
 */
import type { Event } from "../policy/propose/cloudtrail.ts";
import { err, ok, type Result } from "../result.ts";

export interface TrailEvent {
  readonly id: string;
  /** The same in the copies that the accounts on both sides of one call get, which have an id each. */
  readonly callId: string;
  readonly at: Date;
  readonly region: string | null;
  /** Whose trail it stands in. */
  readonly account: string | null;
  /** CloudTrail itself says that the call only reads. */
  readonly readOnly: boolean;
  readonly errorCode: string | null;
  readonly caller: TrailCaller;
  /** For AssumeRole and the calls like it. */
  readonly assumption: Assumption | null;
  /** As it stands in the file. */
  readonly record: Event;
}

export interface TrailCaller {
  readonly arn: string | null;
  readonly principalId: string | null;
  readonly accessKeyId: string | null;
  readonly sourceIdentity: string | null;
  /** Of a role's session: the role. */
  readonly roleArn: string | null;
  /** The service that made the call for the caller, such as `cloudformation.amazonaws.com`. */
  readonly invokedBy: string | null;
}

export interface Assumption {
  /** Null: the event does not say, as where a refused request's parameters are left out. */
  readonly roleArn: string | null;
  readonly sourceIdentity: string | null;
  readonly tags: readonly { readonly key: string; readonly value: string }[];
  readonly transitiveKeys: readonly string[];
  /** The key STS issued; null: none, or not said. */
  readonly accessKeyId: string | null;
}

/** Why the events cannot be read, and where. */
export interface TrailFault {
  /** `file:line`. */
  readonly place: string;
  readonly message: string;
}

type Fields = Readonly<Record<string, unknown>>;

/** `err`: what is wrong with it, in a few words that follow "the record". */
export function readTrailEvent(value: unknown): Result<TrailEvent, string> {
  if (!isFields(value)) return err("is not a JSON object");
  for (const name of ["eventID", "eventTime", "eventSource", "eventName"])
    if (text(value[name]) === null) return err(`has no ${name}: it is no CloudTrail event`);
  const record = value as Fields & Event;
  const at = time(value["eventTime"]);
  if (at === null) return err("has an eventTime that is not a time such as 2026-03-01T10:00:00Z");
  const id = text(value["eventID"]) ?? "";
  return ok({
    id,
    callId: text(value["sharedEventID"]) ?? id,
    at,
    region: text(value["awsRegion"]),
    account: text(value["recipientAccountId"]),
    readOnly: value["readOnly"] === true,
    errorCode: text(value["errorCode"]),
    caller: callerOf(fields(value["userIdentity"])),
    assumption: assumptionOf(record),
    record,
  });
}

/** No field that is read here is longer in any event of AWS. */
const LONGEST = 2_048;

const isFields = (value: unknown): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const fields = (value: unknown): Fields => (isFields(value) ? value : {});
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);
const text = (value: unknown): string | null =>
  typeof value === "string" && value !== "" && value.length <= LONGEST ? value : null;

function time(value: unknown): Date | null {
  const written = text(value) ?? "";
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/.test(written)) return null;
  const at = new Date(written);
  return Number.isNaN(at.getTime()) ? null : at;
}

function callerOf(identity: Fields): TrailCaller {
  const context = fields(identity["sessionContext"]);
  return {
    arn: text(identity["arn"]),
    principalId: text(identity["principalId"]),
    accessKeyId: text(identity["accessKeyId"]),
    sourceIdentity: text(context["sourceIdentity"]),
    roleArn: text(fields(context["sessionIssuer"])["arn"]),
    invokedBy: text(identity["invokedBy"]),
  };
}

function assumptionOf(event: Fields & Event): Assumption | null {
  if (event.eventSource !== "sts.amazonaws.com" || !event.eventName.startsWith("AssumeRole")) return null;
  const asked = fields(event["requestParameters"]);
  const answer = fields(event["responseElements"]);
  return {
    roleArn: text(asked["roleArn"]) ?? roleIn(event),
    // A chained session inherits it and does not ask for it.
    sourceIdentity: text(asked["sourceIdentity"]) ?? text(answer["sourceIdentity"]),
    tags: list(asked["tags"]).map((tag) => ({
      key: text(fields(tag)["key"]) ?? "",
      value: text(fields(tag)["value"]) ?? "",
    })),
    transitiveKeys: list(asked["transitiveTagKeys"]).flatMap((key) => text(key) ?? []),
    accessKeyId: text(fields(answer["credentials"])["accessKeyId"]),
  };
}

/** An event of a refused request may have no parameters; the role then stands in its resources or its message. */
function roleIn(event: Fields): string | null {
  const named = list(event["resources"]).map((one) => text(fields(one)["ARN"]));
  const role = named.find((arn) => arn !== null && IS_ROLE.test(arn));
  const [, said] =
    / on resource: (arn:aws[a-z-]*:iam::\d{12}:role\/\S+)/.exec(text(event["errorMessage"]) ?? "") ?? [];
  return role ?? said ?? null;
}

const IS_ROLE = /^arn:aws[a-z-]*:iam::\d{12}:role\//;
