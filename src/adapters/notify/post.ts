/**
 * One bounded HTTP POST to a receiver the operator named. Follows no redirect and reads no answer: what a receiver says
 * must not steer the broker. The URL is a secret (a Slack webhook's is its password), so no reason holds a part of it.
 */
import type { Undelivered } from "../../escalation/outbox.ts";
import { err, ok, type Result } from "../../result.ts";
import type { Secret } from "../../session/credentials.ts";

const DEADLINE_MS = 5_000;

export async function post(
  url: Secret,
  body: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Result<null, Undelivered>> {
  try {
    const response = await fetch(url.reveal(), {
      method: "POST",
      headers: { "content-type": "application/json", "user-agent": "twokey", ...headers },
      body,
      redirect: "manual",
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    const verdict = judge(response.status, response.headers.get("retry-after"));
    await response.body?.cancel();
    return verdict;
  } catch (error) {
    return err({ reason: unreachable(error), retry: true });
  }
}

function judge(status: number, retryAfter: string | null): Result<null, Undelivered> {
  if (status >= 200 && status < 300) return ok(null);
  const reason = `HTTP ${status}`;
  if (status !== 408 && status !== 429 && status < 500) return err({ reason, retry: false });
  // The form with a date would need the receiver's clock; the back-off does for it.
  const asked = /^\d{1,9}$/.test(retryAfter ?? "") ? { afterSeconds: Number(retryAfter) } : {};
  return err({ reason, retry: true, ...asked });
}

/** Only the code: messages name the host. */
function unreachable(error: unknown): string {
  if (error instanceof Error && error.name === "TimeoutError")
    return `no answer within ${DEADLINE_MS / 1000} s`;
  const cause: unknown = error instanceof Error ? error.cause : null;
  const code = cause instanceof Error && "code" in cause ? cause.code : null;
  return typeof code === "string" && /^[A-Z0-9_]{1,60}$/.test(code) ? `not reached: ${code}` : "not reached";
}
