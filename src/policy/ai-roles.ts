/**
 * The AI roles of one account as they must be: who may assume each, what bounds it, how long a session lives. Pure.
 * `infra/` deploys them, the demo stands on them and `twokey doctor` compares an account with them.
 */
import type { Result } from "../result.ts";
import type { PolicyDocument } from "./iam/types.ts";
import type { ServedPolicy } from "./serve.ts";
import type { Account, RoleName } from "./set.ts";

/** An AI role's name in accounts.yaml, or the role CloudFormation acts with outside production. */
export type AiRoleName = RoleName | "stack_service";

export interface AiRole {
  readonly name: AiRoleName;
  readonly arn: string;
  /** Who may assume it, and with which tags. */
  readonly trust: PolicyDocument;
  /** One managed policy: what the role may do, and its boundary. */
  readonly boundary: BoundaryPolicy;
  /** The role's MaxSessionDuration, in seconds. */
  readonly maxSessionSeconds: number;
  readonly tags: Readonly<Record<string, string>>;
}

export interface BoundaryPolicy {
  readonly name: string;
  readonly path: string;
  readonly arn: string;
  readonly document: PolicyDocument;
  /** The document's JSON without white space. */
  readonly text: string;
}

export interface AiRoleFault {
  readonly role: AiRoleName;
  readonly message: string;
  readonly fix: string;
}


export function aiRoles(
  served: ServedPolicy,
  account: Account,
  brokerArn: string,
): Result<readonly AiRole[], readonly AiRoleFault[]> {
  void served;
  const make = (name: AiRoleName, arn: string): AiRole => {
    const escalated = name === "escalated";
    const Principal = { AWS: brokerArn };
    const tags = {
      StringEquals: { "aws:RequestTag/twokey:principal": "ai-agent" },
      StringLike: {
        "aws:RequestTag/twokey:session": "tks-*",
        ...(escalated ? { "aws:RequestTag/twokey:escalation": "esc-*" } : {}),
      },
      ...(escalated ? {} : { Null: { "aws:RequestTag/twokey:escalation": "true" } }),
    };
    const keys = ["twokey:principal", "twokey:session", ...(escalated ? ["twokey:escalation"] : [])];
    const trust: PolicyDocument =
      name === "stack_service"
        ? { Version: "2012-10-17", Statement: [{ Effect: "Allow", Principal: { Service: "cloudformation.amazonaws.com" }, Action: "sts:AssumeRole", Condition: { StringEquals: { "aws:SourceAccount": account.id } } }] }
        : { Version: "2012-10-17", Statement: [
      { Effect: "Allow", Principal, Action: "sts:AssumeRole", Condition: { ...tags, StringEquals: { ...tags.StringEquals, "sts:ExternalId": account.externalId }, StringLike: { ...tags.StringLike, "sts:SourceIdentity": "tks-*" } } },
      { Effect: "Allow", Principal, Action: "sts:TagSession", Condition: tags },
      { Effect: "Allow", Principal, Action: "sts:SetSourceIdentity", Condition: { StringLike: { "sts:SourceIdentity": "tks-*" } } },
      ...keys.map((key) => ({ Effect: "Deny" as const, Principal: "*" as const, Action: "sts:TagSession", Condition: { "ForAllValues:StringNotEquals": { "sts:TransitiveTagKeys": key } } })),
    ] };
    const document: PolicyDocument = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }, { Effect: "Deny", Action: [...served.set.guardrails.floor], Resource: "*" }] };
    const bname = `ai-${name.replace("_", "-")}`;
    return { name, arn, trust, maxSessionSeconds: 3600, tags: name === "stack_service" ? { "twokey:principal": "ai-agent" } : {},
      boundary: { name: bname, path: "/twokey/boundary/", arn: `arn:aws:iam::${account.id}:policy/twokey/boundary/${bname}`, document, text: JSON.stringify(document) } };
  };
  return { ok: true, value: [
    make("observer", account.roles.observer), make("operator", account.roles.operator), make("escalated", account.roles.escalated),
    make("stack_service", account.serviceRoles["staging"] ?? ""),
  ] };
}
