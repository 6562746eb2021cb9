/**
 * Spans around the ports a request waits for: the token's check, STS, the record. Each hands on exactly what the port
 * behind it gives. Attributes are ids and names of the broker's own making: never an agent's text, a token, an error's
 * message.
 */
import { SpanKind, SpanStatusCode, type Attributes, type Span } from "@opentelemetry/api";
import type { AuditLog } from "../../audit/log.ts";
import type { EscalationStore } from "../../escalation/store.ts";
import type { VerifyToken } from "../../identity/verify.ts";
import type { AssumeRole } from "../../session/assume-role.ts";
import { tracer } from "./tracer.ts";

export const traceVerifyToken =
  (verifyToken: VerifyToken): VerifyToken =>
  (unverifiedToken, now) =>
    spanned("verify token", {}, async (span) => {
      const claims = await verifyToken(unverifiedToken, now);
      if (!claims.ok) span.setAttribute("error.type", claims.error.reason);
      return claims;
    });

export const traceAssumeRole =
  (assumeRole: AssumeRole): AssumeRole =>
  (request) =>
    spanned("sts AssumeRole", { "twokey.session": request.sourceIdentity }, async (span) => {
      const assumed = await assumeRole(request);
      if (!assumed.ok) {
        span.setAttribute("error.type", assumed.error.code);
        span.setAttribute("twokey.sts.certainty", assumed.error.certainty);
        span.setStatus({ code: SpanStatusCode.ERROR });
      }
      return assumed;
    });

export interface TracedStore extends AuditLog {
  readonly escalations: EscalationStore;
}

export function traceStore<S extends TracedStore>(store: S): S {
  const { escalations } = store;
  const log: Pick<AuditLog, "recordIntent" | "recordOutcome" | "append"> = {
    recordIntent: (session, context) =>
      spanned("record intent", { "twokey.session": session.id, "twokey.template": session.template }, () =>
        store.recordIntent(session, context),
      ),
    recordOutcome: (session, outcome, context) =>
      spanned("record outcome", { "twokey.session": session.id, "twokey.outcome": outcome.state }, () =>
        store.recordOutcome(session, outcome, context),
      ),
    append: (entry) => spanned("record entry", { "twokey.entry": entry.kind }, () => store.append(entry)),
  };
  const traced: EscalationStore = {
    ...escalations,
    request: (draft) =>
      spanned("record request", { "twokey.escalation": draft.content.id }, () => escalations.request(draft)),
    // Not the id: it may be one that somebody else made up.
    change: (id, context, choose) =>
      spanned("record change", {}, () => escalations.change(id, context, choose)),
  };
  return { ...store, ...log, escalations: traced };
}

function spanned<T>(name: string, attributes: Attributes, work: (span: Span) => Promise<T>): Promise<T> {
  return tracer.startActiveSpan(name, { kind: SpanKind.CLIENT, attributes }, async (span) => {
    try {
      return await work(span);
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  });
}
