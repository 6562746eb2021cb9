/**
 * The trust policy of a role that CloudFormation acts with: CloudFormation alone may assume it, and it must be able to.
 * Whoever else it lets in gets what stacks may do, production's included.
 */
import { evaluate } from "../iam/evaluate.ts";
import { parsePolicy, type ParsedPolicy } from "../iam/parse.ts";
import type { PolicyDocument } from "../iam/types.ts";
import { OTHER_ACCOUNT } from "../prove/question.ts";
import type { Account } from "../set.ts";
import { bad, good, odd, type CheckId, type Finding, type Subject } from "./finding.ts";
import { sameDocument } from "./same-document.ts";
import { namedBesides } from "./trust.ts";

const CLOUDFORMATION = "cloudformation.amazonaws.com";

export interface ServiceTrustQuestion {
  readonly id: CheckId;
  readonly subject: Subject;
  readonly account: Account;
  readonly roleArn: string;
  /** The document as it stands, as a JSON value. */
  readonly seen: unknown;
  /** Null: the role is the account's own, and any that names CloudFormation alone will do. */
  readonly expected: PolicyDocument | null;
}

export function judgeServiceTrust(question: ServiceTrustQuestion): Finding {
  const { id, subject, account, roleArn, seen, expected } = question;
  const again =
    expected === null
      ? `let ${roleArn} trust the service ${CLOUDFORMATION} and nobody else`
      : `deploy the AI roles again: the trust policy must name the service ${CLOUDFORMATION} alone`;
  const parsed = parsePolicy(seen, { resourcePolicy: true, allowMissingResource: true });
  if (!parsed.ok)
    return bad(id, subject, `the trust policy cannot be read: ${parsed.error.join("; ")}`, again);

  const named = namedBesides(parsed.value, CLOUDFORMATION);
  if (named.length > 0) return bad(id, subject, `the trust policy lets in ${named.join("; ")}`, again);
  if (!serves(parsed.value, question, account.id))
    return bad(id, subject, "CloudFormation cannot assume the role, so stacks cannot work with it", again);
  if (expected === null || sameDocument(seen, expected))
    return good(id, subject, `${roleArn} trusts CloudFormation alone`);
  const wanted = parsePolicy(expected, { resourcePolicy: true, allowMissingResource: true });
  const stricter = wanted.ok && !serves(wanted.value, question, OTHER_ACCOUNT);
  return stricter && serves(parsed.value, question, OTHER_ACCOUNT)
    ? bad(
        id,
        subject,
        "the trust policy lets in CloudFormation on behalf of other accounts",
        `${again}, for aws:SourceAccount ${account.id}`,
      )
    : odd(
        id,
        subject,
        "the trust policy is not the one Twokey makes, and no weaker as far as was asked",
        again,
      );
}

/** `source`: the account whose stacks CloudFormation works for. */
function serves(trust: ParsedPolicy, { account, roleArn }: ServiceTrustQuestion, source: string): boolean {
  const partition = roleArn.split(":")[1] ?? "aws";
  const request = {
    principal: { arn: CLOUDFORMATION, account: source },
    action: "sts:AssumeRole",
    resource: roleArn,
    resourceAccount: account.id,
    context: {
      "aws:SourceAccount": source,
      "aws:SourceArn": `arn:${partition}:cloudformation:${account.region}:${source}:stack/twokey-doctor/1`,
    },
  };
  const layers = { identity: [], session: null, boundary: null, scp: null, resource: trust };
  return evaluate(request, layers).decision === "allowed";
}
