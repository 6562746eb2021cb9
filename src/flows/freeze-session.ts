/**
 * Ends a session that must not be used any more: the record has it frozen already (in the transaction of what froze
 * it), so nothing is delivered from here on; AWS is told to deny what was delivered, and what AWS said is recorded.
 */
import type { Broker } from "./admit.ts";

/** Added to the end of a session nobody knows yet: STS may still be answering. */
const MARGIN_SECONDS = 300;

/**
 * Never rejects and never undoes what froze the session: a denial stands whatever AWS says. `person`: whose act it was.
 */
export async function freezeSession(
  broker: Broker,
  id: string,
  cause: { readonly requestId: string; readonly person: string },
): Promise<void> {
  try {
    const record = await broker.audit.session(id);
    if (record === null) return;
    const { session, expiresAt } = record;
    const longest = broker.clock().getTime() + (session.durationSeconds + MARGIN_SECONDS) * 1000;
    const account = broker.policy.set.accounts.find((candidate) => candidate.id === session.account);
    const revoked = await broker.revokeSession({
      roleArn: session.roleArn,
      sourceIdentity: session.id,
      until: expiresAt ?? new Date(longest),
      // IAM is global; the region only signs the call.
      region: account?.region ?? "us-east-1",
    });
    await broker.audit.append({
      kind: "session.revoked",
      at: broker.clock(),
      requestId: cause.requestId,
      agent: session.agent,
      owner: session.owner,
      person: cause.person,
      session: session.id,
      escalation: session.escalation,
      policyVersion: broker.policy.set.digest,
      detail: {
        roleArn: session.roleArn,
        outcome: revoked.ok ? "in_force" : "failed",
        message: revoked.ok ? "every call of the session is denied" : revoked.error,
      },
    });
  } catch {
    // The record is out of reach: the freeze itself is in it already.
  }
}
