/**
 * One CloudTrail-like record for each call that had a caller. Never holds a secret key, a session token, a template's
 * text or a parameter's value; of other services' calls it keeps no parameters at all.
 *
 * https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
 */
import type { Caller } from "./caller.ts";
import type { AwsFault } from "./fault.ts";

export interface CloudTrailEvent {
  readonly eventVersion: "1.11";
  readonly eventID: string;
  readonly requestID: string;
  /** RFC 3339. */
  readonly eventTime: string;
  /** e.g. `cloudformation.amazonaws.com`. */
  readonly eventSource: string;
  readonly eventName: string;
  readonly awsRegion: string;
  readonly sourceIPAddress: string;
  readonly userAgent: string | null;
  readonly userIdentity: UserIdentity;
  readonly requestParameters: Readonly<Record<string, unknown>> | null;
  readonly responseElements: Readonly<Record<string, unknown>> | null;
  readonly errorCode?: string;
  readonly errorMessage?: string;
  readonly recipientAccountId: string;
}

export interface UserIdentity {
  readonly type: "Root" | "IAMUser" | "AssumedRole";
  readonly principalId: string;
  readonly arn: string;
  readonly accountId: string;
  readonly accessKeyId: string;
  readonly userName?: string;
  /** The service that made the call, for the caller or with a service role. */
  readonly invokedBy?: string;
  readonly sessionContext?: {
    readonly sessionIssuer: {
      readonly type: "Role";
      readonly principalId: string;
      readonly arn: string;
      readonly accountId: string;
      readonly userName: string;
    };
    readonly attributes: { readonly creationDate: string; readonly mfaAuthenticated: "false" };
    readonly sourceIdentity?: string;
  };
}

/** What happened, as the dispatcher knows it. */
export interface Happening {
  readonly caller: Caller;
  readonly service: string;
  readonly operation: string;
  readonly region: string;
  readonly now: Date;
  readonly eventId: string;
  readonly requestId: string;
  readonly sourceIp: string;
  readonly userAgent: string | null;
  /** The service that made the call; null for the caller itself. */
  readonly invokedBy: string | null;
  /** Flat form parameters; null for other protocols. */
  readonly parameters: ReadonlyMap<string, string> | null;
  readonly responseElements: Readonly<Record<string, unknown>> | null;
  readonly fault: AwsFault | null;
}

const TYPES = { root: "Root", user: "IAMUser", role: "AssumedRole" } as const;

export const eventOf = (happening: Happening): CloudTrailEvent => ({
  eventVersion: "1.11",
  eventID: happening.eventId,
  requestID: happening.requestId,
  eventTime: happening.now.toISOString(),
  eventSource: `${happening.service}.amazonaws.com`,
  eventName: happening.operation,
  awsRegion: happening.region,
  sourceIPAddress: happening.sourceIp,
  userAgent: happening.userAgent,
  userIdentity: {
    ...identityOf(happening.caller),
    ...(happening.invokedBy === null ? {} : { invokedBy: happening.invokedBy }),
  },
  requestParameters: happening.parameters === null ? null : nested(happening.parameters),
  responseElements: happening.responseElements,
  ...(happening.fault === null
    ? {}
    : { errorCode: happening.fault.code, errorMessage: happening.fault.message }),
  recipientAccountId: happening.caller.account.id,
});

function identityOf(caller: Caller): UserIdentity {
  const { role, session } = caller;
  return {
    type: TYPES[caller.kind],
    principalId: caller.userId,
    arn: caller.arn,
    accountId: caller.account.id,
    accessKeyId: caller.accessKeyId,
    ...(caller.userName === null ? {} : { userName: caller.userName }),
    ...(role === null || session === null
      ? {}
      : {
          sessionContext: {
            sessionIssuer: {
              type: "Role",
              principalId: role.id,
              arn: role.arn,
              accountId: role.account,
              userName: role.name,
            },
            attributes: { creationDate: session.issuedAt.toISOString(), mfaAuthenticated: "false" },
            ...(session.sourceIdentity === null ? {} : { sourceIdentity: session.sourceIdentity }),
          },
        }),
  };
}

/** Parameters whose value may be a secret, or is not worth its length. By the last part of the name. */
const HIDDEN = /(?:^|\.)(?:ParameterValue|TemplateBody|StackPolicy\w*Body|TokenCode|ExternalId|\w*Password)$/;

/** `Tags.member.1.Key` becomes `tags: [{ key }]`. */
function nested(flat: ReadonlyMap<string, string>): Readonly<Record<string, unknown>> {
  const lists = new Map<string, Map<string, unknown>>();
  const top = new Map<string, unknown>();
  for (const [name, value] of flat) {
    if (name === "Action" || name === "Version") continue;
    const shown = HIDDEN.test(name) ? "****" : value;
    const [, list, index, field] = /^(\w+)\.(?:member\.)?(\d{1,6})(?:\.(.{1,128}))?$/.exec(name) ?? [];
    if (list === undefined || index === undefined) {
      top.set(camel(name), shown);
      continue;
    }
    const items = lists.get(list) ?? new Map<string, unknown>();
    lists.set(list, items);
    if (field === undefined) items.set(index, shown);
    else items.set(index, { ...(items.get(index) as object | undefined), [camel(field)]: shown });
  }
  for (const [list, items] of lists) top.set(camel(list), [...items.values()]);
  return Object.fromEntries(top);
}

const camel = (name: string): string => name.charAt(0).toLowerCase() + name.slice(1);
