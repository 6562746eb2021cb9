/**
 * Sessions minted the way the broker does it, step by step, through the real AWS SDK on a local AWS that lets anybody
 * assume the AI roles: what reconciliation must find is what its trust policies should have stopped.
 */
import { randomBytes } from "node:crypto";
import { Readable } from "node:stream";
import { CloudFormationClient } from "@aws-sdk/client-cloudformation";
import { AssumeRoleCommand, STSClient, type AssumeRoleCommandInput } from "@aws-sdk/client-sts";
import { onTestFinished } from "vitest";
import { createAssumeRole } from "../../src/adapters/aws/assume-role.ts";
import { readTrail } from "../../src/adapters/cloudtrail/read-trail.ts";
import type { Store } from "../../src/adapters/postgres/audit-log.ts";
import type { Finding } from "../../src/audit/finding.ts";
import type { Outcome } from "../../src/audit/log.ts";
import type { Covers, Reconciliation } from "../../src/audit/reconciliation.ts";
import { reconcileCloudTrail } from "../../src/flows/reconcile-cloudtrail.ts";
import type { CloudTrailEvent } from "../../src/local-aws/events.ts";
import type { PolicyDocument } from "../../src/policy/iam/types.ts";
import type { Account } from "../../src/policy/set.ts";
import { nameSession, SESSION_RANDOM_BYTES, sessionTags } from "../../src/session/name.ts";
import type { Session } from "../../src/session/session.ts";
import { actions, startWorld } from "../local-aws/world.ts";
import { aSession, CONTEXT } from "../store/records.ts";

export const ID = "111122223333";
export const REGION = "us-east-1";
const role = (name: string): string => `arn:aws:iam::${ID}:role/twokey/${name}`;
export const OPERATOR = role("ai-operator");
export const ADMIN = `arn:aws:iam::${ID}:role/deploy-admin`;
export const TWOKEY = `arn:aws:iam::${ID}:user/twokey-broker`;
export const STRANGER = `arn:aws:iam::${ID}:user/stranger`;

const ACCOUNT: Account = {
  id: ID,
  name: "demo",
  region: REGION,
  externalId: "external-id",
  roles: { observer: role("ai-observer"), operator: OPERATOR, escalated: role("ai-escalated") },
  serviceRoles: { production: role("production-stack-service") },
};

const policy = (...statements: PolicyDocument["Statement"][number][]): PolicyDocument => ({
  Version: "2012-10-17",
  Statement: statements,
});
const WIDE = policy({ Effect: "Allow", Action: "*", Resource: "*" });
/** Staging may be deleted, production may not. */
const SESSION_POLICY = JSON.stringify(
  policy(
    { Effect: "Allow", Action: "*", Resource: "*" },
    {
      Effect: "Deny",
      Action: "cloudformation:DeleteStack",
      Resource: "*",
      Condition: { StringEquals: { "aws:ResourceTag/environment": "production" } },
    },
  ),
);
const TEMPLATE = JSON.stringify({ Resources: { Queue: { Type: "AWS::SQS::Queue" } } });

export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}
const BROKER: Keys = { accessKeyId: "AKIABROKERBROKER0000", secretAccessKey: "broker" };
const STRANGERS: Keys = { accessKeyId: "AKIASTRANGERSTRANGER", secretAccessKey: "stranger" };

export interface Minted {
  readonly session: Session;
  readonly keys: Keys;
}

/** `record`: what the record gets to know of the outcome. */
export type Record = "issued" | "unknown" | "failed" | "nothing";

export interface TrailWorld {
  readonly now: () => Date;
  readonly advance: (seconds: number) => void;
  /** `asked: false`: the broker died before it asked STS. */
  readonly mint: (
    changes?: Partial<Session>,
    how?: { readonly record?: Record; readonly asked?: boolean; readonly outcome?: Partial<Outcome> },
  ) => Promise<Minted>;
  /** AssumeRole by somebody else, with whatever they like. */
  readonly assume: (input?: Partial<AssumeRoleCommandInput>, keys?: Keys) => Promise<Keys>;
  readonly cloudformation: (keys: Keys) => CloudFormationClient;
  readonly events: () => readonly CloudTrailEvent[];
  /** Reads the local AWS's own CloudTrail file, or `text`. */
  readonly reconcile: (how?: {
    readonly covers?: Covers;
    readonly text?: string;
    readonly now?: Date;
  }) => Promise<Reconciliation>;
}

export async function trailWorld(log: Store): Promise<TrailWorld> {
  const anybody = policy({
    Effect: "Allow",
    Principal: { AWS: `arn:aws:iam::${ID}:root` },
    Action: ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"],
  });
  const wide = (name: string, path = "/") => ({ name, path, trust: anybody, inline: { wide: WIDE } });
  const world = await startWorld(() => ({
    id: ID,
    users: [
      { name: "twokey-broker", ...BROKER, policies: [WIDE] },
      { name: "stranger", ...STRANGERS, policies: [WIDE] },
    ],
    roles: [
      wide("ai-observer", "/twokey/"),
      wide("ai-operator", "/twokey/"),
      wide("ai-escalated", "/twokey/"),
      wide("deploy-admin"),
    ],
    stacks: [
      { name: "orders-production", template: TEMPLATE, tags: { environment: "production" } },
      { name: "orders-staging", template: TEMPLATE, tags: { environment: "staging" } },
    ],
  }));
  const sts = createAssumeRole({ region: null, endpoint: world.url, credentials: BROKER, deadlineMs: 5_000 });
  onTestFinished(sts.close);
  const client = (keys: Keys) => ({
    ...{ region: REGION, endpoint: world.url, credentials: keys, maxAttempts: 1 },
    // Signs by the local AWS's clock, which a test may have moved.
    systemClockOffset: world.now().getTime() - Date.now(),
  });

  const mint: TrailWorld["mint"] = async (changes = {}, how = {}) => {
    const named = nameSession("deploy-agent", randomBytes(SESSION_RANDOM_BYTES));
    const session = aSession({ ...named, requestedAt: world.now(), ...changes });
    await log.recordIntent(session, CONTEXT);
    const keys = how.asked === false ? null : await ask(session);
    const outcome = outcomeOf(how.record ?? "issued", keys, how.outcome);
    if (outcome !== null) await log.recordOutcome(session, outcome, { requestId: "req-2", at: world.now() });
    return { session, keys: keys ?? BROKER };
  };
  const ask = async (
    session: Session,
  ): Promise<Keys & { readonly expiration: Date; readonly arn: string }> => {
    const answer = await sts.assumeRole({
      roleArn: session.roleArn,
      roleSessionName: session.roleSessionName,
      sourceIdentity: session.id,
      externalId: ACCOUNT.externalId,
      tags: sessionTags(session.id, session.escalation),
      policy: SESSION_POLICY,
      policyArns: [],
      durationSeconds: session.durationSeconds,
      region: REGION,
    });
    if (!answer.ok) throw new Error(answer.error.message);
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = answer.value.credentials;
    const keys = {
      accessKeyId,
      secretAccessKey: secretAccessKey.reveal(),
      sessionToken: sessionToken.reveal(),
    };
    return { ...keys, expiration, arn: answer.value.assumedRoleArn };
  };
  return {
    now: world.now,
    advance: world.advance,
    mint,
    assume: async (input = {}, keys = STRANGERS) => {
      const asked = { RoleArn: OPERATOR, RoleSessionName: "somebody", ...input };
      const { Credentials: issued } = await new STSClient(client(keys)).send(new AssumeRoleCommand(asked));
      return {
        accessKeyId: issued?.AccessKeyId ?? "",
        secretAccessKey: issued?.SecretAccessKey ?? "",
        sessionToken: issued?.SessionToken ?? "",
      };
    },
    cloudformation: (keys) => new CloudFormationClient(client(keys)),
    events: () => world.aws.state.events(),
    reconcile: async ({ covers = null, text = world.aws.state.cloudTrailFile(), now = world.now() } = {}) => {
      const known = { audit: log, accounts: [ACCOUNT], table: actions, stsRegion: null, covers, now };
      const found = await reconcileCloudTrail(readTrail(["-"], Readable.from([Buffer.from(text)])), known);
      if (!found.ok) throw new Error(`${found.error.place}: ${found.error.message}`);
      return found.value;
    },
  };
}

function outcomeOf(
  record: Record,
  keys: (Keys & { readonly expiration: Date; readonly arn: string }) | null,
  changes: Partial<Outcome> = {},
): Outcome | null {
  if (record === "nothing") return null;
  if (record === "issued" && keys !== null) {
    const { accessKeyId, arn, expiration } = keys;
    const issued = { accessKeyId, assumedRoleArn: arn, expiresAt: expiration, packedPolicySize: 10 };
    return { state: "issued", ...issued, ...changes } as Outcome;
  }
  return { state: record, code: "TimeoutError", message: "no answer", ...changes } as Outcome;
}

/** As the events are, changed by hand: what no client of a local AWS could have done. */
export const fileOf = (events: readonly unknown[]): string => JSON.stringify({ Records: events });

/** `level kind` of each finding, in the order of the report. */
export const kindsOf = ({ findings }: { readonly findings: readonly Finding[] }): readonly string[] =>
  findings.map(({ level, kind }) => `${level} ${kind}`);
