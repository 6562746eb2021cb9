/**
 * An AI role's trust policy as it stands, held against what it must demand. The policy is asked, by the evaluator, about
 * the call that Twokey makes and about every call that must be refused; its text is compared only after that, because a
 * text that differs may be as strict. The caller is assumed to be allowed everything, so that the trust policy alone
 * says no.
 */
import { evaluate } from "../iam/evaluate.ts";
import { parsePolicy, type ParsedPolicy } from "../iam/parse.ts";
import type { PolicyDocument } from "../iam/types.ts";
import { OTHER_ACCOUNT, EVERYTHING } from "../prove/question.ts";
import type { Account, RoleName } from "../set.ts";
import { bad, good, odd, type Finding, type Subject } from "./finding.ts";
import { actionsOf, lacksOf, rightCall, type RoleCall } from "./role-call.ts";
import { sameDocument } from "./same-document.ts";

export interface TrustQuestion {
  readonly account: Account;
  readonly role: RoleName;
  readonly roleArn: string;
  /** The IAM role or user the broker runs as. */
  readonly brokerArn: string;
  /** The document as it stands, as a JSON value. */
  readonly seen: unknown;
  readonly expected: PolicyDocument;
}

/** Somebody who calls STS. */
interface Principal {
  readonly arn: string;
  readonly account: string;
  readonly roleArn?: string;
}

interface Weakness {
  readonly says: string;
  readonly must: string;
}

const SESSION = "tks-doctordoctordoctordoctor";

export function judgeTrust(question: TrustQuestion): Finding {
  const subject: Subject = { account: question.account.id, role: question.role };
  const again = "deploy the AI roles again";
  const parsed = parsePolicy(question.seen, { resourcePolicy: true, allowMissingResource: true });
  if (!parsed.ok)
    return bad("trust", subject, `the trust policy cannot be read: ${parsed.error.join("; ")}`, again);

  const weak = weaknesses(parsed.value, question);
  if (weak.length > 0) {
    const says = weak.map((one) => one.says).join("; ");
    const must = [...new Set(weak.map((one) => one.must))].join("; ");
    return bad(
      "trust",
      subject,
      `the trust policy lets in ${says}`,
      `${again}: the trust policy must ${must}`,
    );
  }
  const call = rightCall(question.role, question.account.externalId, SESSION);
  if (!lets(parsed.value, question, brokerOf(question), call))
    return bad(
      "trust",
      subject,
      `the trust policy refuses the call that Twokey makes as ${question.brokerArn}`,
      `${again}, for the broker ${question.brokerArn} and the external_id of accounts.yaml`,
    );
  return sameDocument(question.seen, question.expected)
    ? good("trust", subject, "the trust policy lets in the broker alone, and only as Twokey calls")
    : odd(
        "trust",
        subject,
        "the trust policy is not the one Twokey makes, and no weaker as far as was asked",
        `${again}, or find out who changed it`,
      );
}

function weaknesses(trust: ParsedPolicy, question: TrustQuestion): readonly Weakness[] {
  const { role, account } = question;
  const broker = brokerOf(question);
  const call = rightCall(role, account.externalId, SESSION);
  const lacking = lacksOf(role)
    .filter((lack) => lets(trust, question, broker, lack.of(call)))
    .map(({ lacks, demand }) => ({ says: `the broker when its call ${lacks}`, must: `demand ${demand}` }));
  const must = `name ${question.brokerArn} as its only principal`;
  const others = strangers(account)
    .filter(({ principal }) => lets(trust, question, principal, call))
    .map(({ says }) => ({ says, must }));
  const named = namedBesides(trust, question.brokerArn).map((name) => ({ says: name, must }));
  return [...lacking, ...named, ...others];
}

/** A role is a caller by its sessions. */
function brokerOf({ brokerArn, account }: Pick<TrustQuestion, "brokerArn" | "account">): Principal {
  const id = brokerArn.split(":")[4] ?? account.id;
  if (!brokerArn.includes(":role/")) return { arn: brokerArn, account: id };
  const partition = brokerArn.split(":")[1] ?? "aws";
  const name = brokerArn.slice(brokerArn.lastIndexOf("/") + 1);
  return { arn: `arn:${partition}:sts::${id}:assumed-role/${name}/doctor`, account: id, roleArn: brokerArn };
}

function strangers({
  id,
  roles,
}: Account): readonly { readonly says: string; readonly principal: Principal }[] {
  const partition = roles.observer.split(":")[1] ?? "aws";
  const user = (account: string): Principal => ({
    arn: `arn:${partition}:iam::${account}:user/twokey-doctor-stranger`,
    account,
  });
  return [
    { says: "any user or role of the account that its own policies allow it", principal: user(id) },
    { says: "users and roles of other accounts", principal: user(OTHER_ACCOUNT) },
  ];
}

/** Whoever an Allow names besides the broker, whatever its conditions: federated principals and services too. */
export function namedBesides({ statements }: ParsedPolicy, only: string): readonly string[] {
  const names = statements
    .filter(({ effect }) => effect === "Allow")
    .flatMap(({ principal }) => {
      if (principal === null) return ["everybody"];
      const { everyone, exact, accounts } = principal.names;
      return [
        ...(everyone || principal.negated ? ["everybody"] : []),
        ...[...accounts].map((account) => `whoever account ${account} allows it`),
        ...[...exact].filter((name) => name !== only),
      ];
    });
  return [...new Set(names)];
}

const everything = parsePolicy(EVERYTHING);

/** Whether STS would issue a session for the call: each of its actions must be allowed. */
function lets(
  trust: ParsedPolicy,
  { roleArn, account }: Pick<TrustQuestion, "roleArn" | "account">,
  principal: Principal,
  call: RoleCall,
): boolean {
  const identity = everything.ok ? [everything.value] : [];
  const layers = { identity, session: null, boundary: null, scp: null, resource: trust };
  return actionsOf(call).every(({ action, context }) => {
    const request = { principal, action, resource: roleArn, resourceAccount: account.id, context };
    return evaluate(request, layers).decision === "allowed";
  });
}
