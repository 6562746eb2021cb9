/**
 * Kinds of audit entries. One line of the log each; never a secret. Times are the broker's unless the store
 * says otherwise.
 */
import type { Session } from "../session/session.ts";

/** What every entry carries besides its kind. Absent knowledge is null, never omitted. */
export interface EntryBase {
  readonly at: Date;
  readonly requestId: string | null;
  readonly agent: string | null;
  readonly owner: string | null;
  readonly session: string | null;
  readonly policyVersion: string | null;
}

export type Entry = EntryBase &
  (
    | { readonly kind: "session.intent"; readonly detail: Omit<Session, "requestedAt"> }
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
        readonly detail: { readonly faults: number; readonly lines: readonly string[] };
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
