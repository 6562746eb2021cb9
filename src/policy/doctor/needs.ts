/** The fix for what AWS did not let the broker read: the statement to add to its policies. Pure. */
import type { Unread } from "./aws.ts";

/** Codes by which AWS says "you may not", as its services spell them. */
const DENIED: ReadonlySet<string> = new Set([
  "AccessDenied",
  "AccessDeniedException",
  "UnauthorizedOperation",
]);

export const isDenied = (code: string): boolean => DENIED.has(code);

export function fixFor({ action, code }: Unread, resource: string): string {
  if (!isDenied(code)) return `find out why ${action} fails, and run doctor again`;
  return `allow the broker ${JSON.stringify({ Effect: "Allow", Action: action, Resource: resource })}`;
}
