/**
 * What the flows found, in the API's words. The one place where a vended session's secrets leave their wrapper,
 * into the answer to the agent they were minted for.
 */
import type {
  CredentialsAnswer,
  EscalationAnswer,
  EscalationsAnswer,
  SessionsAnswer,
  TemplatesAnswer,
} from "../api.ts";
import type { EscalationState } from "../escalation/escalation.ts";
import type { Issued } from "../flows/issue-credentials.ts";
import type { SessionList } from "../flows/list-sessions.ts";
import type { OpenTemplates } from "../flows/list-templates.ts";
import type { EscalationList, ShownEscalation } from "../flows/show-escalations.ts";

export function credentialsAnswer({ credentials, session, plan, entry }: Issued): CredentialsAnswer {
  const expiration = credentials.expiration.toISOString();
  return {
    credentials: {
      access_key_id: credentials.accessKeyId,
      secret_access_key: credentials.secretAccessKey.reveal(),
      session_token: credentials.sessionToken.reveal(),
      expiration,
    },
    session: {
      id: session.id,
      agent: session.agent,
      template: session.template,
      account: session.account,
      region: plan.account.region,
      role_arn: session.roleArn,
      expires_at: expiration,
      duration: session.durationSeconds,
      may: plan.may,
      policy_version: session.policyVersion,
      audit_entry: entry,
    },
  };
}

export function templatesAnswer({ agent, templates, accounts }: OpenTemplates): TemplatesAnswer {
  const everyAccount = accounts.map((account) => account.id);
  return {
    agent: agent.name,
    templates: templates.map((template) => ({
      name: template.name,
      kind: template.kind,
      title: template.title,
      description: template.description,
      intent: template.intent,
      accounts: template.accounts ?? everyAccount,
      duration: { default: template.duration.defaultSeconds, max: template.duration.maxSeconds },
      parameters: template.parameters,
    })),
  };
}

export function sessionsAnswer({ sessions, next, policyVersion }: SessionList): SessionsAnswer {
  return {
    sessions: sessions.map(({ session, state, expiresAt }) => ({
      id: session.id,
      template: session.template,
      account: session.account,
      state,
      task: session.task,
      requested_at: session.requestedAt.toISOString(),
      expires_at: expiresAt?.toISOString() ?? null,
      policy_version: session.policyVersion,
      policy_current: session.policyVersion === policyVersion,
    })),
    next,
  };
}

/** What an agent that waits is told by each state; null: nothing more to wait for, and nothing was refused. */
const WAITING: Readonly<Record<EscalationState, EscalationAnswer["error"]>> = {
  pending: "authorization_pending",
  approved: null,
  consumed: null,
  denied: "access_denied",
  cancelled: "access_denied",
  expired: "expired_token",
};

export function escalationAnswer(shown: ShownEscalation): EscalationAnswer {
  const { escalation, content } = shown;
  const { id, state, digest } = escalation;
  return {
    id,
    state,
    error: WAITING[state],
    digest,
    code: shown.code,
    url: shown.url,
    template: content.template,
    account: content.account,
    parameters: content.parameters,
    duration: content.durationSeconds,
    may: shown.may,
    reason: content.reason,
    requested_at: escalation.requestedAt.toISOString(),
    expires_at: escalation.expiresAt.toISOString(),
    usable_until: state === "approved" ? (escalation.usableUntil?.toISOString() ?? null) : null,
    interval: shown.interval,
    approvals: shown.approvals,
    quorum: content.rule.quorum,
    denial: shown.denial,
    session: escalation.session,
  };
}

export function escalationsAnswer({ escalations, next }: EscalationList): EscalationsAnswer {
  return { escalations: escalations.map(escalationAnswer), next };
}
