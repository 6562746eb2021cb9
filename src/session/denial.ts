/**
 * The policy on a role that denies everything to sessions that were frozen, as AWS is to have it. Pure: the whole policy
 * is made anew from what is frozen, so nothing has to be read back and nothing gets lost between two that write.
 *
 * Both conditions survive role chaining: the source identity, and the time a session's token was issued.
 */

/** Name of the inline policy. Nothing else on an AI role bears it. */
export const DENIAL_POLICY = "twokey-frozen-sessions";

export interface DeniedSession {
  /** The session's id, which is its source identity. */
  readonly session: string;
  /** STS issued it before then. */
  readonly issuedBefore: Date;
  readonly until: Date;
}

/** `nobody`: no policy. `sessions`: those that are named. `everyone`: every session older than a moment. */
export type DenialForm = "nobody" | "sessions" | "everyone";

export interface Denial {
  readonly form: DenialForm;
  /** JSON; null: no policy is needed. */
  readonly document: string | null;
  readonly until: Date | null;
}

/** Port: puts the inline policy on the role, or takes it away where `document` is null. */
export type DenyOnRole = (request: {
  readonly roleArn: string;
  readonly region: string;
  readonly document: string | null;
}) => Promise<DenyAnswer>;

/** `too_large`: the role has no room for it, and nothing was changed. `fault`: AWS's word, safe to store. */
export type DenyAnswer = "in_force" | "too_large" | { readonly fault: string };

interface Wanted {
  readonly sessions: readonly DeniedSession[];
  readonly everyoneBefore: Date | null;
  readonly everyoneUntil: Date | null;
}

/** All inline policies of a role together have 10,240 characters; this one leaves room for others. */
const MOST_CHARACTERS = 9_000;

/** Names each session where they fit. `coarse`: does not even try. */
export function denialOf(wanted: Wanted, now: Date, coarse = false): Denial {
  const live = wanted.sessions.filter(({ until }) => until > now);
  const everyone = (wanted.everyoneUntil ?? now) > now ? wanted.everyoneBefore : null;
  const until = latest([
    ...live.map((one) => one.until),
    ...(everyone === null ? [] : [wanted.everyoneUntil ?? now]),
  ]);
  if (until === null) return { form: "nobody", document: null, until: null };
  // A session that is older than the moment needs no name.
  const named = live.filter((one) => everyone === null || one.issuedBefore > everyone);
  const statements = [
    ...(everyone === null ? [] : [olderThan(everyone)]),
    ...(named.length === 0 ? [] : [isOneOf(named)]),
  ];
  const document = policy(statements);
  if (!coarse && document.length <= MOST_CHARACTERS) {
    return { form: everyone === null ? "sessions" : "everyone", document, until };
  }
  const before = latest([...live.map((one) => one.issuedBefore), ...(everyone === null ? [] : [everyone])]);
  return { form: "everyone", document: policy([olderThan(before ?? now)]), until };
}

const latest = (times: readonly Date[]): Date | null =>
  times.length === 0 ? null : new Date(Math.max(...times.map((time) => time.getTime())));

const policy = (statements: readonly object[]): string =>
  JSON.stringify({ Version: "2012-10-17", Statement: statements });

const deny = (Condition: object) => ({ Effect: "Deny", Action: "*", Resource: "*", Condition });

/** AWS has whole seconds: rounded up, so that whatever is older is denied. */
const olderThan = (moment: Date) => {
  const second = new Date(Math.ceil(moment.getTime() / 1000) * 1000);
  return deny({ DateLessThan: { "aws:TokenIssueTime": second.toISOString().replace(".000Z", "Z") } });
};

const isOneOf = (sessions: readonly DeniedSession[]) =>
  deny({ StringEquals: { "aws:SourceIdentity": sessions.map(({ session }) => session).sort() } });
