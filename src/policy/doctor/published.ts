/** The managed policies that sessions refer to, as `twokey policy publish` would find them. Pure. */
import type { PublishPlan } from "../publish.ts";
import { bad, good, odd, type Finding, type Subject } from "./finding.ts";

const GUARDRAILS = /:policy\/twokey\/guardrails-[0-9a-f]{24}$/;

/** The guardrails are for people to attach; every other policy is one that some session cannot do without. */
export function judgePublished(subject: Subject, { create, keep, altered }: PublishPlan): Finding {
  const id = "published";
  const publish = `run: twokey policy publish --account ${subject.account ?? ""}`;
  if (altered.length > 0)
    return bad(
      id,
      subject,
      `published policies were altered: ${altered.join(", ")}`,
      "find out who changed them, delete them, and publish again: twokey policy publish",
    );
  const missing = create.map(({ arn }) => arn);
  const needed = missing.filter((arn) => !GUARDRAILS.test(arn));
  if (needed.length > 0)
    return bad(id, subject, `sessions need policies that are not published: ${needed.join(", ")}`, publish);
  return missing.length > 0
    ? odd(id, subject, `the guardrails are not published: ${missing.join(", ")}`, publish)
    : good(id, subject, `${keep.length} published policies are there and unaltered`);
}
