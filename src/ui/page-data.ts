/**
 * What each page shows, as plain data. http/ fills it from the flows, the views draw it. Every `string` that an agent
 * or another system may have written is named in a comment and drawn through <Foreign>, which shows it inert.
 */
import type { Ability } from "../policy/ability.ts";
import type { ChangeSet, EscalationState, Verdict } from "../escalation/escalation.ts";
import type { StoredEntry } from "../audit/entry.ts";
import type { FreezeTarget } from "../identity/freeze.ts";
import type { RoleDenial } from "../session/freeze-store.ts";
import type { SessionState } from "../session/session.ts";

export type { Ability };

/** Around every page. */
export interface Frame {
  /** Null: nobody is signed in. */
  readonly person: { readonly id: string; readonly name: string; readonly administrator: boolean } | null;
  /** What waits for this person. */
  readonly waiting: number;
  /** Lines for everybody: a policy folder with faults, a passkey enrolled in the last day. */
  readonly notices: readonly string[];
  /** Which entry of the navigation is open. */
  readonly here: "queue" | "sessions" | "policies" | "audit" | "people" | "passkeys" | null;
  /** The broker's clock, for time left. */
  readonly now: Date;
}

export interface QueueRow {
  readonly id: string;
  readonly kind: "session" | "policy";
  readonly state: EscalationState;
  readonly title: string;
  /** Null for a policy set. */
  readonly agent: string | null;
  readonly owner: string | null;
  readonly account: string | null;
  /** Foreign: the agent's reason. */
  readonly reason: string | null;
  readonly destroys: boolean;
  readonly requestedAt: Date;
  readonly expiresAt: Date;
  readonly approvals: number;
  readonly quorum: number;
  readonly code: string;
  /** This person's own decision, or null. */
  readonly decided: Verdict | null;
  /** Why it does not wait for this person; null where it does. */
  readonly notMine: string | null;
}

export interface QueueData {
  readonly mine: readonly QueueRow[];
  readonly others: readonly QueueRow[];
  readonly decided: readonly QueueRow[];
}

export interface DecisionRow {
  readonly person: string;
  readonly name: string;
  readonly verdict: Verdict;
  readonly at: Date;
  /** Foreign: the approver's reason. */
  readonly reason: string | null;
  /** Whether it counts as of now. */
  readonly counts: boolean;
}

export interface EscalationData {
  readonly id: string;
  readonly digest: string;
  readonly code: string;
  readonly state: EscalationState;
  readonly requestedAt: Date;
  readonly expiresAt: Date;
  readonly usableUntil: Date | null;
  readonly quorum: number;
  readonly groups: readonly string[];
  readonly decisions: readonly DecisionRow[];
  /** What this person may do here, and why not. */
  readonly mayApprove: { readonly ok: true } | { readonly ok: false; readonly why: string };
  readonly mayDeny: { readonly ok: true } | { readonly ok: false; readonly why: string };
  readonly session: SessionEscalation | null;
  readonly policy: PolicyEscalation | null;
  /** The session that was minted, or null. */
  readonly minted: string | null;
}

export interface SessionEscalation {
  readonly agent: string;
  readonly owner: { readonly id: string; readonly name: string };
  readonly proof: { readonly issuer: string; readonly subject: string };
  readonly account: { readonly id: string; readonly name: string };
  readonly roleArn: string;
  readonly template: {
    readonly name: string;
    readonly title: string;
    readonly description: string;
    readonly version: string;
  };
  readonly parameters: Readonly<Record<string, readonly string[]>>;
  readonly durationSeconds: number;
  /** Foreign: task id, summary and reason. */
  readonly task: { readonly id: string | null; readonly intent: string; readonly summary: string };
  readonly reason: string;
  /** Destruction first. */
  readonly could: readonly Ability[];
  /** What none of the agent's standing templates allows and this does, a sentence each. */
  readonly adds: readonly string[];
  /** Foreign in parts: names and descriptions. */
  readonly changeSets: readonly ChangeSet[];
  /** Pretty JSON of the compiled policy. */
  readonly policyText: string;
  readonly policyArns: readonly string[];
  /** False: the policy set changed since, and the mint would be refused. */
  readonly current: boolean;
}

export interface PolicyEscalation {
  readonly from: string;
  readonly to: string;
  readonly changes: readonly string[];
}

export interface SessionsData {
  readonly agents: readonly {
    readonly agent: string;
    readonly owner: string;
    readonly sessions: readonly {
      readonly id: string;
      readonly template: string;
      readonly account: string;
      readonly state: SessionState;
      readonly requestedAt: Date;
      readonly expiresAt: Date | null;
      readonly frozenAt: Date | null;
      readonly escalation: string | null;
      readonly may: string;
      /** Foreign. */
      readonly summary: string;
      /** Why it is worth nothing besides its own freeze; `ended`: with a freeze that was thawed, or with its role. */
      readonly stopped:
        { readonly by: "freeze"; readonly target: FreezeTarget } | { readonly by: "ended" } | null;
    }[];
  }[];
  readonly freezes: readonly FreezeRow[];
  /** Foreign: AWS's word. */
  readonly roles: readonly RoleDenial[];
  /** What may be frozen by name. */
  readonly names: { readonly agents: readonly string[]; readonly templates: readonly string[] };
}

export interface FreezeRow {
  readonly target: FreezeTarget;
  /** Foreign: whoever froze it wrote it. */
  readonly reason: string;
  readonly by: "person" | "operator" | "rule";
  /** The person's name; null where it was none. */
  readonly person: string | null;
  readonly frozenAt: Date;
  /** The name of the administrator whose key lies there. */
  readonly firstKey: string | null;
  readonly mayThaw: { readonly ok: true } | { readonly ok: false; readonly why: string };
}

export interface TemplateRow {
  readonly name: string;
  readonly kind: "standing" | "escalation";
  readonly title: string;
  readonly description: string;
  readonly intent: string;
  readonly accounts: readonly string[];
  readonly agents: readonly string[];
  /** Who approves, in words; null for a standing template. */
  readonly approval: string | null;
}

export interface PoliciesData {
  readonly version: string;
  readonly templates: readonly TemplateRow[];
  readonly faults: readonly string[];
}

export interface TemplateData extends TemplateRow {
  /** The file's YAML. */
  readonly source: string;
  /** What a session of it can do, worst case of its parameters. */
  readonly could: readonly Ability[];
  /** Its `expect:` cases, each with what the evaluator says now. */
  readonly proof: readonly {
    readonly title: string;
    readonly action: string;
    readonly resource: string;
    readonly decision: string;
    readonly holds: boolean;
  }[];
  readonly parameters: readonly {
    readonly name: string;
    readonly description: string;
    readonly like: readonly string[];
    readonly optional: boolean;
  }[];
}

/** A request typed into the playground and what the evaluator says. */
export interface PlaygroundData {
  readonly template: string;
  readonly asked: {
    readonly parameters: string;
    readonly account: string;
    readonly action: string;
    readonly resource: string;
    readonly context: string;
  };
  readonly answer:
    | null
    | { readonly ok: false; readonly problem: string }
    | {
        readonly ok: true;
        readonly decision: "allowed" | "explicitDeny" | "implicitDeny";
        readonly why: string;
        readonly policyText: string;
      };
}

export interface AuditData {
  readonly filter: {
    readonly text: string;
    readonly kind: string;
    readonly agent: string;
    readonly person: string;
  };
  readonly kinds: readonly string[];
  readonly entries: readonly AuditRow[];
  /** Index to continue before; null at the end. */
  readonly next: number | null;
}

export interface AuditRow {
  readonly entry: StoredEntry;
  /** One readable sentence. Foreign in parts. */
  readonly sentence: string;
}

/** An escalation's whole story. */
export interface StoryData {
  readonly escalation: string;
  readonly rows: readonly AuditRow[];
}

export interface PeopleData {
  readonly people: readonly {
    readonly id: string;
    readonly name: string;
    readonly groups: readonly string[];
    readonly passkeys: readonly PasskeyRow[];
    /** Whether an invitation can be made: the person has the account for it in people.yaml. */
    readonly invitable: boolean;
  }[];
}

export interface PasskeyRow {
  readonly credentialId: string;
  /** Foreign: its owner's word. */
  readonly label: string;
  readonly enrolledAt: Date;
  readonly countsFrom: Date;
}

export interface PasskeysData {
  readonly passkeys: readonly PasskeyRow[];
  /** What this browser may do: `enrol` needs an existing key or an invitation. */
  readonly mayEnrol:
    | {
        readonly ok: true;
        /** Whether an existing key confirms it first; false for an invitation's sign-in. */
        readonly confirmation: boolean;
      }
    | { readonly ok: false; readonly why: string };
}

export interface SignInData {
  /** The OIDC button's words; null: none is set up. */
  readonly oidc: string | null;
  readonly problem: string | null;
  /** Where to go afterwards; a path of ours. */
  readonly next: string;
}

export interface BootstrapData {
  /** Administrators who have an account for invitations. */
  readonly people: readonly { readonly id: string; readonly name: string }[];
  readonly problem: string | null;
}
