/**
 * Kinds of audit entries. One line of the log each; never a secret. Times are the broker's unless the store
 * says otherwise.
 */
import type { Decision, EscalationState } from "../escalation/escalation.ts";
import type { HumanAccount } from "../identity/approver.ts";
import type { SignIn } from "../identity/human-store.ts";
import type { FreezeTarget } from "../identity/freeze.ts";
import type { DenialForm } from "../session/denial.ts";
import type { FreezeMaker } from "../session/freeze-store.ts";
import type { Session } from "../session/session.ts";
import type { WatchAlarm } from "./alarm.ts";
import type { Settlement } from "./reconciliation.ts";
import type { PrunedCounts } from "./retention.ts";

/** What every entry carries besides its kind. Absent knowledge is null, never omitted. */
export interface EntryBase {
  readonly at: Date;
  readonly requestId: string | null;
  readonly agent: string | null;
  readonly owner: string | null;
  /** The human who acted; null where it was an agent or the broker. */
  readonly person: string | null;
  readonly session: string | null;
  readonly escalation: string | null;
  readonly policyVersion: string | null;
}

export type Entry = EntryBase &
  (
    | {
        readonly kind: "session.intent";
        readonly detail: Omit<Session, "requestedAt">;
      }
    | {
        readonly kind: "session.issued";
        readonly detail: {
          readonly accessKeyId: string;
          readonly assumedRoleArn: string;
          readonly expiresAt: Date;
          readonly packedPolicySize: number | null;
        };
      }
    | {
        readonly kind: "session.failed";
        readonly detail: { readonly code: string; readonly message: string };
      }
    | {
        readonly kind: "session.unknown";
        readonly detail: { readonly code: string; readonly message: string };
      }
    | {
        /** What CloudTrail showed later of a session whose outcome was not known. */
        readonly kind: "session.settled";
        readonly detail: Settlement;
      }
    | {
        readonly kind: "request.refused";
        readonly detail: {
          /** Route that was asked, e.g. `POST /v1/credentials`. */
          readonly route: string;
          /** The failure's stable code. */
          readonly code: string;
          /** The exact reason, which the caller may not have been told. */
          readonly reason: string;
        };
      }
    | {
        readonly kind: "policy.loaded";
        readonly detail: {
          readonly digest: string;
          readonly templates: readonly string[];
          /** What it means against the set served before; null for the first load of a broker's life. */
          readonly changes: readonly string[] | null;
        };
      }
    | {
        /** A set with faults stood in the folder and was not served; `policyVersion` is the one still served. */
        readonly kind: "policy.refused";
        readonly detail: {
          readonly faults: number;
          readonly lines: readonly string[];
        };
      }
    | {
        readonly kind: "escalation.requested";
        readonly detail: {
          readonly digest: string;
          readonly code: string;
          readonly expiresAt: Date;
          /** Canonical JSON of the content: what the digest is over. */
          readonly content: string;
        };
      }
    | {
        /** An agent asked again for what is waiting already. */
        readonly kind: "escalation.joined";
        readonly detail: { readonly digest: string };
      }
    | {
        readonly kind: "escalation.decided";
        readonly detail: {
          readonly digest: string;
          readonly state: EscalationState;
          readonly decision: Omit<Decision, "at">;
          /** Everybody whose approval counted at that moment. */
          readonly counting: readonly string[];
        };
      }
    | {
        /** `consumed` and back again, cancelled, or over. */
        readonly kind: "escalation.changed";
        readonly detail: {
          readonly digest: string;
          readonly from: EscalationState;
          readonly to: EscalationState;
          readonly event: "cancelled" | "expired" | "consumed" | "returned";
        };
      }
    | {
        /** The kill switch. Nothing it covers is minted or delivered from here on. */
        readonly kind: "freeze.made";
        readonly detail: {
          readonly id: string;
          readonly target: FreezeTarget;
          readonly reason: string;
          readonly by: FreezeMaker;
        };
      }
    | {
        /** `first_key`: it takes another administrator. `keys`: whose lie there, this one last. */
        readonly kind: "freeze.thawed";
        readonly detail: {
          readonly id: string;
          readonly target: FreezeTarget;
          readonly state: "first_key" | "thawed";
          readonly keys: readonly string[];
        };
      }
    | {
        /** What IAM says to the policy that denies a role's frozen sessions. */
        readonly kind: "role.denied";
        readonly detail: {
          readonly roleArn: string;
          readonly state: "in_force" | "failed";
          readonly form: DenialForm;
          /** How many sessions it names. */
          readonly sessions: number;
          /** AWS's word where it failed. */
          readonly message: string | null;
        };
      }
    | {
        /** Somebody on a page was refused. */
        readonly kind: "human.refused";
        readonly detail: {
          readonly route: string;
          readonly code: string;
          readonly reason: string;
        };
      }
    | {
        readonly kind: "human.signed_in";
        readonly detail: {
          readonly account: HumanAccount;
          readonly method: SignIn["method"];
          readonly expiresAt: Date;
        };
      }
    | {
        readonly kind: "human.signed_out";
        readonly detail: {
          readonly everywhere: boolean;
          readonly count: number;
        };
      }
    | {
        readonly kind: "passkey.enrolled";
        readonly detail: {
          readonly credentialId: string;
          readonly account: HumanAccount;
          /** COSE key, base64url: a decision's evidence must be by this key. */
          readonly publicKey: string;
          readonly label: string;
          readonly countsFrom: Date;
        };
      }
    | {
        readonly kind: "passkey.removed";
        readonly detail: { readonly credentialId: string; readonly of: string };
      }
    | {
        readonly kind: "invitation.created";
        readonly detail: {
          readonly invited: string;
          readonly expiresAt: Date;
          readonly by: "administrator" | "bootstrap";
        };
      }
    | {
        /** Something in AWS that must never happen, as Watch reported it. */
        readonly kind: "watch.alarm";
        readonly detail: WatchAlarm;
      }
    | {
        /** Rows of no more use are deleted; written before the first of them. `counts`: at most so many, by table. */
        readonly kind: "record.pruned";
        readonly detail: {
          readonly olderThan: Date;
          readonly counts: PrunedCounts;
          readonly by: "operator";
        };
      }
    | {
        /** An operator looked whether the broker and its accounts are as they must be. */
        readonly kind: "doctor.ran";
        readonly detail: {
          readonly version: string;
          /** ARN of the broker's own credentials; null: AWS did not say. */
          readonly caller: string | null;
          /** Findings by status. */
          readonly counts: { readonly ok: number; readonly warning: number; readonly fault: number };
          /** Those that were not ok. */
          readonly found: readonly {
            readonly id: string;
            readonly account: string | null;
            readonly role: string | null;
            readonly status: "warning" | "fault";
          }[];
          readonly by: "operator";
        };
      }
    | {
        readonly kind: "broker.started" | "broker.stopped";
        readonly detail: { readonly version: string };
      }
  );

export type EntryKind = Entry["kind"];

/** An entry as the log holds it. */
export type StoredEntry = Entry & {
  /** Place in the log, from 0, without gaps. */
  readonly index: number;
};
