/** Live sessions by agent (issued, or perhaps issued, and not over), what is frozen, and what can be. */
import type { SessionRecord } from "../audit/log.ts";
import type { Failure } from "../failure.ts";
import { frozenBy, type FreezeTarget } from "../identity/freeze.ts";
import { LONGEST_SESSION_SECONDS } from "../policy/decide.ts";
import { mayOf } from "../policy/decide-escalation.ts";
import type { ServedPolicy } from "../policy/serve.ts";
import { err, ok, type Result } from "../result.ts";
import type { RoleDenial } from "../session/freeze-store.ts";
import type { Broker } from "./admit.ts";
import type { Viewer } from "./admit-person.ts";
import { readRecord } from "./read-record.ts";
import { readStopped, shownFreezes, type Stopped } from "./show-freezes.ts";

const PAGE = 250;
/** Of the newest sessions; more of them at once means something else is wrong. */
const MOST = 2000;
/** Clocks differ, and STS counts from its own answer. */
const MARGIN_MS = 5 * 60 * 1000;

export type LiveSession = ReturnType<typeof liveSession>;

/** Why a session that lives is worth nothing. `ended`: with a freeze that was thawed, or with its whole role. */
type Stop = { readonly by: "freeze"; readonly target: FreezeTarget } | { readonly by: "ended" };

export interface LiveSessions {
  readonly agents: readonly {
    readonly agent: string;
    readonly owner: string;
    readonly sessions: readonly (LiveSession & { readonly stopped: Stop | null })[];
  }[];
  readonly freezes: ReturnType<typeof shownFreezes>;
  readonly roles: readonly RoleDenial[];
  /** What may be frozen by name, whether or not it has a session now. */
  readonly names: { readonly agents: readonly string[]; readonly templates: readonly string[] };
}

export async function showSessions(broker: Broker, viewer: Viewer): Promise<Result<LiveSessions, Failure>> {
  const read = await readRecord(() => Promise.all([liveSessions(broker), readStopped(broker)]));
  if (!read.ok) return err(read.error);
  const [live, stopped] = read.value;
  const { registry, templates } = broker.policy.set;
  const ownerOf = (id: string) => live.find(({ session }) => session.id === id)?.session.owner ?? null;
  const agents = [...new Set(live.map(({ session }) => session.agent))].sort();
  return ok({
    agents: agents.map((agent) => {
      const own = live.filter(({ session }) => session.agent === agent);
      const owner = own[0]?.session.owner ?? "";
      const sessions = own.map((record) => ({
        ...liveSession(record, broker.policy),
        stopped: stopOf(record, stopped),
      }));
      return { agent, owner, sessions };
    }),
    freezes: shownFreezes(broker, viewer, stopped, ownerOf),
    roles: stopped.roles,
    names: {
      agents: registry.agents.map(({ name }) => name).sort(),
      templates: templates.map(({ name }) => name).sort(),
    },
  });
}

function stopOf({ session }: SessionRecord, { freezes, roles, denied }: Stopped): Stop | null {
  const target = frozenBy(
    freezes.map((freeze) => freeze.target),
    session,
  );
  if (target !== null) return { by: "freeze", target };
  const role = roles.find(({ roleArn }) => roleArn === session.roleArn);
  const older = role?.form === "everyone" && role.since !== null && role.since > session.requestedAt;
  return denied.has(session.id) || older ? { by: "ended" } : null;
}

/** Newest first. */
export async function liveSessions(broker: Broker): Promise<readonly SessionRecord[]> {
  const now = broker.clock();
  return (await recentSessions(broker, now)).filter((record) => isLive(record, now));
}

/** Newest first, as far back as a session may still live. */
async function recentSessions(broker: Broker, now: Date): Promise<readonly SessionRecord[]> {
  const oldest = now.getTime() - LONGEST_SESSION_SECONDS * 1000 - MARGIN_MS;
  const found: SessionRecord[] = [];
  for (let before: string | null = null; found.length < MOST;) {
    const page = await broker.audit.sessions({ agent: null, limit: PAGE, before });
    found.push(...page);
    const last = page.at(-1)?.session;
    if (page.length < PAGE || last === undefined || last.requestedAt.getTime() < oldest) break;
    before = last.id;
  }
  return found;
}

function isLive({ state, session, expiresAt }: SessionRecord, now: Date): boolean {
  if (state === "failed") return false;
  // Where STS did not say, it may live as long as was asked for.
  const end =
    expiresAt?.getTime() ?? session.requestedAt.getTime() + session.durationSeconds * 1000 + MARGIN_MS;
  return end > now.getTime();
}

export function liveSession({ session, state, expiresAt, frozenAt }: SessionRecord, policy: ServedPolicy) {
  const { id, template, account, requestedAt, escalation, task } = session;
  const may = mayOf(session, policy);
  return {
    id,
    template,
    account,
    state,
    requestedAt,
    expiresAt,
    frozenAt,
    escalation,
    may,
    summary: task.summary,
  };
}
