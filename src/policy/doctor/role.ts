/**
 * An AI role as it stands against the role it must be: its boundary and what that says, its policies, how long its
 * sessions live, its tags. Its trust policy is trust.ts. Pure.
 */
import type { AiRole } from "../ai-roles.ts";
import type { RolePolicies, RoleSeen } from "./aws.ts";
import { bad, good, odd, type Finding, type Subject } from "./finding.ts";
import { sameDocument } from "./same-document.ts";

const AGAIN = "deploy the AI roles again";

export function judgeBoundary(subject: Subject, { boundary }: AiRole, seen: RoleSeen): Finding {
  if (seen.boundaryArn === boundary.arn)
    return good("boundary", subject, `${boundary.name} is its permissions boundary`);
  const what =
    seen.boundaryArn === null
      ? "the role has no permissions boundary: only the session policy holds its sessions"
      : `the role's permissions boundary is ${seen.boundaryArn}`;
  return bad("boundary", subject, what, `${AGAIN}, or put ${boundary.arn} on ${seen.arn} as its boundary`);
}

/** `document`: what the managed policy says now; null: there is no such policy. */
export function judgeBoundaryDocument(
  subject: Subject,
  { boundary }: AiRole,
  seen: { readonly document: unknown } | null,
): Finding {
  const id = "boundary_current";
  if (seen === null)
    return bad(id, subject, `the policy ${boundary.arn} is not there`, `${AGAIN}: it is part of them`);
  return sameDocument(seen.document, boundary.document)
    ? good(id, subject, `${boundary.name} says what this policy set makes of it`)
    : bad(
        id,
        subject,
        `${boundary.arn} does not say what this policy set makes of it: it is stale, or somebody changed it`,
        `${AGAIN} from this policy set`,
      );
}

/** `denial`: name of the inline policy that denies frozen sessions; it comes and goes with freezes. */
export function judgePermissions(
  subject: Subject,
  { boundary }: AiRole,
  { attached, inline }: RolePolicies,
  denial: string,
): Finding {
  const id = "permissions";
  const others = [
    ...attached.filter((arn) => arn !== boundary.arn),
    ...Object.keys(inline)
      .filter((name) => name !== denial)
      .map((name) => `the inline policy ${name}`),
  ];
  if (others.length > 0)
    return bad(
      id,
      subject,
      `the role may do more than it must: ${others.join(", ")}`,
      `detach ${others.join(", ")} from the role`,
    );
  const kept = inline[denial];
  if (kept !== undefined && !deniesOnly(kept))
    return bad(
      id,
      subject,
      `the inline policy ${denial} allows something, and it is there to deny frozen sessions`,
      `delete it and find out who wrote it; the next freeze writes it anew`,
    );
  return attached.includes(boundary.arn)
    ? good(id, subject, `${boundary.name} is its only policy`)
    : bad(
        id,
        subject,
        `${boundary.name} is not attached to the role, so its sessions may do nothing`,
        `${AGAIN}, or attach ${boundary.arn} to it`,
      );
}

function deniesOnly(document: unknown): boolean {
  const statements = (document as { readonly Statement?: unknown } | null)?.Statement ?? [];
  return [statements]
    .flat()
    .every((statement) => (statement as { readonly Effect?: unknown } | null)?.Effect === "Deny");
}

export function judgeMaxSession(subject: Subject, expected: AiRole, seen: RoleSeen): Finding {
  const id = "max_session";
  const [is, must] = [seen.maxSessionSeconds, expected.maxSessionSeconds];
  const fix = `${AGAIN}, or set the MaxSessionDuration of ${seen.arn} to ${must}`;
  if (is === must) return good(id, subject, `its sessions live ${must} s at most`);
  return is > must
    ? bad(id, subject, `its sessions may live ${is} s, longer than the ${must} s that are meant`, fix)
    : odd(id, subject, `its sessions may live ${is} s, and templates may ask for up to ${must} s`, fix);
}

/** Role tags under twokey: stand where session tags would: nobody's but ours may be there. */
export function judgeRoleTags(subject: Subject, expected: AiRole, seen: RoleSeen): Finding {
  const id = "role_tags";
  const wanted = Object.entries(expected.tags);
  const missing = wanted.filter(([key, value]) => seen.tags[key] !== value);
  const strange = Object.keys(seen.tags).filter(
    (key) => key.toLowerCase().startsWith("twokey:") && expected.tags[key] === undefined,
  );
  if (missing.length > 0) {
    const tags = missing.map(([key, value]) => `${key}=${value}`).join(", ");
    return bad(
      id,
      subject,
      `the role lacks the tag ${tags}, so no SCP knows it for an AI's`,
      `${AGAIN}, or tag the role ${tags}`,
    );
  }
  if (strange.length > 0)
    return bad(
      id,
      subject,
      `the role has tags that only sessions may have: ${strange.join(", ")}`,
      `take ${strange.join(", ")} off the role`,
    );
  const tags = wanted.map(([key, value]) => `${key}=${value}`).join(", ");
  return good(id, subject, wanted.length === 0 ? "it has no tag under twokey:" : `it is tagged ${tags}`);
}
