/** The role behind a template, in one account. */
import type { Account, TemplateRole } from "./set.ts";

/** ARN. The stacks' role is that of the first environment which is not production: each must be bounded alike. */
export function roleArnOf({ roles, serviceRoles }: Account, role: TemplateRole): string {
  if (role !== "stack_service") return roles[role];
  const found = Object.entries(serviceRoles).find(([environment]) => environment !== "production");
  // accounts.yaml is not read without one for each environment of the guardrails.
  if (found === undefined) throw new Error("the account pins no service role outside production");
  return found[1];
}
