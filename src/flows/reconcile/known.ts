/** Which sessions the record knows and which roles are the AI's, as often as events ask. Reads the record, nothing else. */
import type { AuditLog, SessionRecord } from "../../audit/log.ts";
import type { TrailCaller } from "../../audit/trail.ts";
import type { Account } from "../../policy/set.ts";

export interface KnownSessions {
  readonly named: (sourceIdentity: string) => Promise<SessionRecord | null>;
  /** By the key STS issued, as the record has it. */
  readonly withKey: (accessKeyId: string) => Promise<SessionRecord | null>;
}

const NOT_ASKED = { agent: null, person: null, session: null, escalation: null, before: null };
/** Each reads the entries of all issued sessions; a hostile file could ask for ever. */
const MOST_KEYS = 1_000;
/** Names and keys that led nowhere are forgotten past this, so that a hostile file takes no memory. */
const MOST_UNKNOWN = 10_000;

export function knownSessions(audit: Pick<AuditLog, "session" | "search">): KnownSessions {
  const byName = remembered((id) => audit.session(id));
  let searched = 0;
  const byKey = remembered(async (accessKeyId) => {
    if (!/^[A-Z0-9]{16,128}$/.test(accessKeyId) || searched >= MOST_KEYS) return null;
    searched += 1;
    const entries = await audit.search({
      ...NOT_ASKED,
      kinds: ["session.issued"],
      text: accessKeyId,
      limit: 20,
    });
    const issued = entries.find(
      (entry) => entry.kind === "session.issued" && entry.detail.accessKeyId === accessKeyId,
    );
    return issued?.session == null ? null : byName(issued.session);
  });
  return { named: byName, withKey: byKey };
}

function remembered(
  find: (key: string) => Promise<SessionRecord | null>,
): (key: string) => Promise<SessionRecord | null> {
  const found = new Map<string, SessionRecord>();
  const unknown = new Set<string>();
  return async (key) => {
    const before = found.get(key);
    if (before !== undefined || unknown.has(key)) return before ?? null;
    const record = await find(key);
    if (record !== null) found.set(key, record);
    else if (unknown.size < MOST_UNKNOWN) unknown.add(key);
    return record;
  };
}

export interface AiRoles {
  readonly has: (arn: string) => boolean;
  /** The role of a caller's session, where the event tells it. */
  readonly of: (caller: TrailCaller) => string | null;
}

/** Role names ignore case in AWS, so ARNs are compared without it. */
export const sameArn = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

export function aiRoles(accounts: readonly Account[]): AiRoles {
  const arns = accounts.flatMap(({ roles }) => Object.values(roles));
  const known = new Set(arns.map((arn) => arn.toLowerCase()));
  const inSessions = new Map(arns.map((arn) => [assumedRole(arn).toLowerCase(), arn]));
  return {
    has: (arn) => known.has(arn.toLowerCase()),
    of: ({ roleArn, arn }) => {
      if (roleArn !== null) return roleArn;
      // Without its issuer: a session's ARN has the role's name, and no path.
      const [, session] = /^(arn:[^/]*:assumed-role\/[^/]+)\//.exec(arn ?? "") ?? [];
      return session === undefined ? null : (inSessions.get(session.toLowerCase()) ?? null);
    },
  };
}

const assumedRole = (arn: string): string =>
  arn.replace(":iam:", ":sts:").replace(/:role\/(?:.*\/)?/, ":assumed-role/");
