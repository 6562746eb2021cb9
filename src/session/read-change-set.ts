/** Port: what a CloudFormation change set would do. Stands for flows/read-change-sets. */
import type { ChangeSet } from "../escalation/escalation.ts";
import type { Result } from "../result.ts";
import type { Credentials } from "./credentials.ts";

/**
 * Contract: reads all pages of the change set and what its stack is now, with a session that was minted for it. `err` is
 * AWS's word or a sentence, safe to show. Never throws for a failed call. Guards: what would be executed but is not
 * shown by AWS stands in `warnings`.
 */
export type ReadChangeSet = (request: {
  /** ARN of the change set. */
  readonly arn: string;
  readonly region: string;
  readonly credentials: Credentials;
  /** The tag key that says what is production. */
  readonly environmentTag: string;
  /** The service role pinned for each environment; `production` for whatever is not another. ARNs. */
  readonly serviceRoles: Readonly<Record<string, string>>;
}) => Promise<Result<ReadingOfChangeSet, string>>;

export interface ReadingOfChangeSet {
  readonly changeSet: ChangeSet;
  /** ARN of the stack it belongs to, as AWS says. */
  readonly stackArn: string;
}
