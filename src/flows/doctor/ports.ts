/** What doctor runs on: the policy set, the ports of the broker and those it looks through. Types only. */
import type { AuditLog } from "../../audit/log.ts";
import type { ReachIssuer } from "../../identity/reach-issuer.ts";
import type { InspectAws } from "../../policy/doctor/aws.ts";
import type { PolicyStore } from "../../policy/publish.ts";
import type { ServedPolicy } from "../../policy/serve.ts";
import type { Account } from "../../policy/set.ts";
import type { Result } from "../../result.ts";
import type { AssumeRole, ProbeRole } from "../../session/assume-role.ts";
import type { CheckpointSigning } from "../sign-checkpoint.ts";

export interface Doctor {
  readonly policy: ServedPolicy;
  /** Those to look at. */
  readonly accounts: readonly Account[];
  readonly aws: InspectAws;
  /** The managed policies of the broker's own account. Calls of it may reject. */
  readonly policyStore: (account: Account) => PolicyStore;
  readonly reachIssuer: ReachIssuer;
  readonly keys: KeysSeen;
  /** `err`: why it cannot be used. */
  readonly record: Result<DoctorRecord, RecordFault>;
  readonly assumeRole: AssumeRole;
  readonly probeRole: ProbeRole;
  /** sts_endpoint, where it is set. */
  readonly stsEndpoint: string | null;
  /** Whether the proof's critical cases are put to IAM's simulator as well. */
  readonly simulate: boolean;
  readonly version: string;
  /** Names this run in the record. */
  readonly requestId: string;
  readonly clock: () => Date;
  /** Milliseconds that only ever grow. */
  readonly elapsed: () => number;
  readonly randomBytes: (count: number) => Uint8Array;
}

/** The key that signs the log. `none_yet`: the broker makes it at its first start. `err`: what is wrong with it. */
export type KeysSeen = Result<CheckpointSigning["key"] | "none_yet", string>;

export interface DoctorRecord {
  readonly audit: AuditLog;
  /** By the database's clock. */
  readonly now: () => Promise<Date>;
  readonly signing: Pick<CheckpointSigning, "tree" | "verify">;
}

/** `in_use`: a running broker has it, which is as it should be. */
export interface RecordFault {
  readonly reason: "in_use" | "outdated" | "unavailable";
  readonly message: string;
}
