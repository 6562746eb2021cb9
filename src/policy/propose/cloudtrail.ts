/**
 * Reads what an agent did from CloudTrail's records: which actions, on which resources. Pure. The text is evidence
 * and not policy: whatever cannot be told from it is listed, never guessed at.
 */
import { globMatch } from "../iam/match.ts";
import type { ActionFacts, ActionTable } from "../knowledge.ts";
import { err, ok, type Result } from "../../result.ts";

/** One action that was seen, or asked for. */
export interface Use {
  readonly facts: ActionFacts;
  /** Resources it was used on; may hold `*`. Empty: not known. */
  readonly arns: readonly string[];
  /** Services that called it for the agent, such as `dynamodb`. */
  readonly via: readonly string[];
}

export interface Seen {
  readonly uses: readonly Use[];
  /** Calls AWS denied: not what the agent did, and not covered. With their number. */
  readonly denied: ReadonlyMap<string, number>;
  /** Events that are no published action. */
  readonly unknown: readonly string[];
}

/** One record of CloudTrail, as far as it is read here. */
export interface Event {
  readonly eventSource: string;
  readonly eventName: string;
  readonly awsRegion?: unknown;
  readonly recipientAccountId?: unknown;
  readonly errorCode?: unknown;
  readonly userIdentity?: { readonly invokedBy?: unknown } | null;
  readonly requestParameters?: unknown;
  readonly resources?: unknown;
}

/** `{"Records": […]}`, a list of records, or one record a line. */
export function readEvents(text: string): Result<readonly Event[], string> {
  const trimmed = text.trim();
  const lines = trimmed.split("\n").filter((line) => line.trim() !== "");
  const whole = json(trimmed);
  const records =
    whole === undefined
      ? lines.map(json)
      : Array.isArray(whole)
        ? (whole as unknown[])
        : isRecord(whole) && Array.isArray(whole["Records"])
          ? (whole["Records"] as unknown[])
          : [whole];
  const bad = records.findIndex((record) => !isEvent(record));
  if (records.length === 0 || bad >= 0) {
    return err(`record ${bad + 1} is not a CloudTrail record: it needs eventSource and eventName`);
  }
  return ok(records as Event[]);
}

function json(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const isEvent = (value: unknown): value is Event =>
  isRecord(value) && typeof value["eventSource"] === "string" && typeof value["eventName"] === "string";

/** Where an event's source is not the prefix its actions have in IAM. */
const SERVICES: Readonly<Record<string, string>> = {
  email: "ses",
  monitoring: "cloudwatch",
  tagging: "tag",
};

/** Where an API call asks IAM for other actions than its own name. */
const ACTIONS: Readonly<Record<string, readonly string[]>> = {
  "lambda:Invoke": ["lambda:InvokeFunction"],
  "s3:CompleteMultipartUpload": ["s3:PutObject"],
  "s3:CopyObject": ["s3:GetObject", "s3:PutObject"],
  "s3:CreateMultipartUpload": ["s3:PutObject"],
  "s3:DeleteObjects": ["s3:DeleteObject"],
  "s3:HeadBucket": ["s3:ListBucket"],
  "s3:HeadObject": ["s3:GetObject"],
  "s3:ListBuckets": ["s3:ListAllMyBuckets"],
  "s3:ListObjects": ["s3:ListBucket"],
  "s3:ListObjectsV2": ["s3:ListBucket"],
  "s3:UploadPart": ["s3:PutObject"],
};

const DENIED = /^(?:AccessDenied|Client\.UnauthorizedOperation|UnauthorizedOperation)/;

export function usesOf(events: readonly Event[], table: ActionTable): Seen {
  const uses = new Map<string, { facts: ActionFacts; arns: Set<string>; via: Set<string> }>();
  const denied = new Map<string, number>();
  const unknown = new Set<string>();
  for (const event of events) {
    const called = calledAction(event);
    for (const name of actionsOf(event)) {
      const facts = table.action(name);
      if (facts === undefined) {
        unknown.add(printable(called));
        continue;
      }
      if (wasDenied(event)) {
        denied.set(facts.name, (denied.get(facts.name) ?? 0) + 1);
        continue;
      }
      const use = uses.get(facts.name) ?? { facts, arns: new Set(), via: new Set() };
      uses.set(facts.name, use);
      for (const arn of arnsOf(event, facts)) use.arns.add(arn);
      const [, via] = /^([a-z0-9-]+)\.amazonaws\.com$/.exec(String(event.userIdentity?.invokedBy)) ?? [];
      if (via !== undefined) use.via.add(via);
    }
  }
  const sorted = [...uses.values()].sort((a, b) => (a.facts.name < b.facts.name ? -1 : 1));
  return {
    uses: sorted.map(({ facts, arns, via }) => ({ facts, arns: [...arns].sort(), via: [...via].sort() })),
    denied,
    unknown: [...unknown].sort(),
  };
}

export const wasDenied = ({ errorCode }: Event): boolean =>
  typeof errorCode === "string" && DENIED.test(errorCode);

/** The actions that the call asks IAM for; they need not be published ones. */
export function actionsOf(event: Event): readonly string[] {
  const called = calledAction(event);
  return ACTIONS[called] ?? [called];
}

/** The call as `service:Operation`. Foreign text: see `printable`. */
export function calledAction({ eventSource, eventName }: Event): string {
  const source = eventSource.replace(/\.amazonaws\.com(?:\.cn)?$/, "");
  // Lambda's events carry the version of its API: `UpdateFunctionCode20150331v2`.
  return `${SERVICES[source] ?? source}:${eventName.replace(/20\d{6}(?:v\d+)?$/, "")}`;
}

/** Hostile text is shown inert. */
export const printable = (text: string): string => text.slice(0, 100).replaceAll(/[^\x20-\x7e]/g, "?");

/** A value may become text in a policy: what is not plain is not taken. */
const PLAIN = /^[A-Za-z0-9_.:/=+,@-]{1,512}$/;

/** The event's resources that are of a type the action works on. */
export function arnsOf(event: Event, facts: ActionFacts): readonly string[] {
  const listed = Array.isArray(event.resources)
    ? event.resources.map((one) => (isRecord(one) ? one["ARN"] : null))
    : [];
  const given = [...listed, ...textsIn(event.requestParameters)].filter(
    (text): text is string => typeof text === "string" && PLAIN.test(text),
  );
  return facts.resources.flatMap(({ type, arn }) => {
    const whole = given.filter((text) => text.startsWith("arn:") && globMatch(arn, text));
    if (whole.length > 0) return whole;
    const name = namedIn(event.requestParameters, type);
    return name === null ? [] : [filled(arn, name, event)];
  });
}

function textsIn(value: unknown): readonly string[] {
  if (typeof value === "string") return [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return isRecord(value) ? Object.values(value).flatMap(textsIn) : [];
}

/** `table` is `tableName` in the parameters, `queue` is at the end of `queueUrl`, an object is in its bucket. */
function namedIn(parameters: unknown, type: string): string | null {
  if (!isRecord(parameters)) return null;
  const wanted = type === "object" ? "bucket" : type.replaceAll("-", "");
  const keys = ["Name", "Id", "Url", "Identifier", ""].map((end) => `${wanted}${end}`.toLowerCase());
  for (const [key, value] of Object.entries(parameters)) {
    if (!keys.includes(key.toLowerCase()) || typeof value !== "string" || !PLAIN.test(value)) continue;
    return value.startsWith("arn:") ? null : value.slice(value.lastIndexOf("/") + 1);
  }
  return null;
}

/** The published pattern with the event's region and account, and the name as the first thing that varies. */
function filled(pattern: string, name: string, { awsRegion, recipientAccountId }: Event): string {
  const [arn = "", , service = "", region = "", account = "", ...rest] = pattern.split(":");
  const text = (wanted: string, value: unknown): string =>
    wanted === "*" && typeof value === "string" && PLAIN.test(value) ? value : wanted;
  const resource = rest.join(":").replace("*", () => name);
  return [arn, "aws", service, text(region, awsRegion), text(account, recipientAccountId), resource].join(
    ":",
  );
}
