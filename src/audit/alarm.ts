/**
 * What Watch saw in AWS's own record that must never happen. All of it is somebody else's word, the principal's name and
 * the resource's among it, which an attacker chooses: bounded, one line, printable ASCII, and shown inert.
 */
export interface WatchAlarm {
  /** Which of Watch's rules. */
  readonly rule: string;
  /** EventBridge's. Watch delivers at least once: two entries with one id are one alarm. */
  readonly eventId: string;
  /** Twelve digits. */
  readonly account: string;
  readonly region: string;
  /** Such as `iam.amazonaws.com PutRolePolicy`. */
  readonly event: string;
  /** ARN of who did it, where the event says so. */
  readonly principal: string | null;
  /** What it was done to, where the event says so. */
  readonly resource: string | null;
  /** AWS's code where it refused; null: it was done. */
  readonly refusal: string | null;
  readonly happenedAt: Date;
}
