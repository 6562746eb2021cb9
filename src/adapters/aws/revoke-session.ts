/**
 * The port RevokeSession by IAM: one inline policy on the session's role that denies everything to the listed source
 * identities. AWS takes seconds to minutes to put it into effect. Translates and never decides; one attempt of each
 * call. IAM has no compare-and-swap: calls of this process follow each other, but of two replicas that revoke on one
 * role in the same second one may overwrite the other.
 */
import { GetRoleCommand, GetRolePolicyCommand, IAMClient, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import type { STSClientConfig } from "@aws-sdk/client-sts";
import { err, ok, type Result } from "../../result.ts";
import type { Revocation, RevokeSession } from "../../session/revoke.ts";
import { scrub } from "./sts-fault.ts";

export interface AwsOptions {
  /** A URL in place of AWS's endpoints; null: AWS's own. */
  readonly endpoint: string | null;
  /** The broker's own AWS credentials; null: the SDK's default chain. */
  readonly credentials: NonNullable<STSClientConfig["credentials"]> | null;
}

export const REVOKED_POLICY = "twokey-revoked-sessions";

const CONNECT_TIMEOUT_MS = 3_000;
const CALL_TIMEOUT_MS = 10_000;

export function createRevokeSession(options: AwsOptions): RevokeSession {
  let last: Promise<unknown> = Promise.resolve();
  return (revocation) => {
    // One after the other: each rewrites what the one before it wrote.
    const mine = last.then(() => attempt(options, revocation));
    last = mine;
    return mine;
  };
}

async function attempt(options: AwsOptions, revocation: Revocation): Promise<Result<null, string>> {
  const iam = new IAMClient({
    region: revocation.region,
    maxAttempts: 1,
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, requestTimeout: CALL_TIMEOUT_MS },
    ...(options.endpoint === null ? {} : { endpoint: options.endpoint }),
    ...(options.credentials === null ? {} : { credentials: options.credentials }),
  });
  try {
    return await revoke(iam, revocation);
  } catch (error) {
    return err(error instanceof Error ? `${error.name}: ${scrub(error.message)}` : "no answer from IAM");
  } finally {
    iam.destroy();
  }
}

async function revoke(iam: IAMClient, revocation: Revocation): Promise<Result<null, string>> {
  const { roleArn } = revocation;
  const RoleName = roleArn.slice(roleArn.lastIndexOf("/") + 1);
  // IAM takes a name, which is another role in another account.
  const { Role } = await iam.send(new GetRoleCommand({ RoleName }));
  if (Role?.Arn !== roleArn) return err("the broker's own credentials are not of the role's account");
  const before = await readStatements(iam, RoleName);
  const Statement = fit(withSession(before, revocation, new Date()), revocation.until, new Date());
  await iam.send(
    new PutRolePolicyCommand({
      RoleName,
      PolicyName: REVOKED_POLICY,
      PolicyDocument: JSON.stringify({ Version: "2012-10-17", Statement }),
    }),
  );
  return ok(null);
}

/** `Sid` ends in `Until` and seconds since the epoch. */
interface DenyStatement {
  readonly Sid: string;
  readonly Effect: "Deny";
  readonly Action: "*";
  readonly Resource: "*";
  readonly Condition: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** The policy is nobody else's; what cannot be read as ours is written anew. */
async function readStatements(iam: IAMClient, RoleName: string): Promise<readonly DenyStatement[]> {
  try {
    const query = new GetRolePolicyCommand({ RoleName, PolicyName: REVOKED_POLICY });
    const { PolicyDocument = "{}" } = await iam.send(query);
    const { Statement } = JSON.parse(decodeURIComponent(PolicyDocument)) as { Statement?: unknown };
    return Array.isArray(Statement) ? (Statement as DenyStatement[]) : [];
  } catch (error) {
    if (error instanceof Error && error.name.replace(/Exception$/, "") === "NoSuchEntity") return [];
    throw error;
  }
}

/** Sessions that end within the same stretch share a statement, so that their ids take the room and not the words. */
const STRETCH_SECONDS = 900;

export function withSession(
  before: readonly DenyStatement[],
  { sourceIdentity, until }: Pick<Revocation, "sourceIdentity" | "until">,
  now: Date,
): readonly DenyStatement[] {
  const standing = before.filter(({ Sid }) => Number(/Until(\d+)$/.exec(Sid)?.[1]) * 1000 > now.getTime());
  const stretch = Math.ceil(until.getTime() / 1000 / STRETCH_SECONDS) * STRETCH_SECONDS;
  const Sid = `Until${stretch}`;
  const same = standing.find((statement) => statement.Sid === Sid);
  const ids = [same?.Condition["StringEquals"]?.["aws:SourceIdentity"] ?? []].flat();
  const Condition = { StringEquals: { "aws:SourceIdentity": [...new Set([...ids, sourceIdentity])] } };
  return [...standing.filter((other) => other !== same), denial(Sid, Condition)];
}

const denial = (Sid: string, Condition: DenyStatement["Condition"]): DenyStatement => ({
  Sid,
  Effect: "Deny",
  Action: "*",
  Resource: "*",
  Condition,
});

/** Of all inline policies of a role together; ours is the only one that grows. */
const MOST_CHARACTERS = 9_000;
/** A chained session lives no longer, so whatever was issued before is over by then. */
const LONGEST_SECONDS = 12 * 3600;

/** Where the list gets too long, every session of the role that is older than now ends instead. */
export function fit(statements: readonly DenyStatement[], until: Date, now: Date): readonly DenyStatement[] {
  if (JSON.stringify(statements).length <= MOST_CHARACTERS) return statements;
  const end = Math.max(until.getTime(), now.getTime() + LONGEST_SECONDS * 1000);
  const Condition = { DateLessThan: { "aws:TokenIssueTime": now.toISOString() } };
  return [denial(`EveryoneUntil${Math.ceil(end / 1000)}`, Condition)];
}
