/**
 * Who is calling: from a request's signature to a principal with its policies. A caller exists only when the
 * signature, the session token, the date and the session's life all held.
 */
import type { ParsedPolicy } from "../policy/iam/parse.ts";
import type { ContextValue } from "../policy/iam/types.ts";
import { ok } from "../result.ts";
import type { Holder, RoleSession } from "./credentials.ts";
import { type Answered, fault } from "./fault.ts";
import { readPolicy } from "./policy-text.ts";
import { readClaim, type SignatureClaim, stringToSign, type WireRequest } from "./sigv4.ts";
import { type Account, type Role, roleByArn, type World } from "./state.ts";
import { mergeTags } from "./tags.ts";

export interface Caller {
  readonly account: Account;
  readonly accessKeyId: string;
  /** User, root or role-session ARN. */
  readonly arn: string;
  readonly userId: string;
  readonly kind: Holder["kind"];
  /** For role sessions; null otherwise. */
  readonly role: Role | null;
  readonly session: RoleSession | null;
  readonly userName: string | null;
  readonly policies: {
    readonly identity: readonly ParsedPolicy[];
    readonly boundary: readonly ParsedPolicy[] | null;
    readonly session: readonly ParsedPolicy[] | null;
  };
  /** Condition keys that follow from the principal. */
  readonly context: Readonly<Record<string, ContextValue>>;
}

const CLOCK_SKEW_MS = 15 * 60_000;

export interface Authenticated {
  readonly caller: Caller;
  readonly claim: SignatureClaim;
}

/** The signature is proved before anything about the key is told apart, but for its existence, as AWS does. */
export function authenticate(world: World, request: WireRequest, now: Date): Answered<Authenticated> {
  const claim = readClaim(request);
  if (!claim.ok) return claim;
  const holder = world.credentials.holder(claim.value.accessKeyId, claim.value.sessionToken);
  if (holder === null) return invalidToken();
  if (!world.credentials.signed(claim.value, stringToSign(request, claim.value)))
    return fault(
      "SignatureDoesNotMatch",
      "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.",
      403,
    );
  const fresh = checkDate(claim.value.signedAt, now);
  if (!fresh.ok) return fresh;
  const caller = callerOf(world, holder, claim.value.accessKeyId, now);
  return caller.ok ? ok({ caller: caller.value, claim: claim.value }) : caller;
}

const invalidToken = (): Answered<never> =>
  fault("InvalidClientTokenId", "The security token included in the request is invalid.", 403);

function checkDate(signedAt: string, now: Date): Answered<null> {
  const at = Date.parse(
    signedAt.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6.000Z"),
  );
  // NaN (the 32nd of a month) must fail too, so the comparison is written to be true only for a good date.
  if (Math.abs(at - now.getTime()) <= CLOCK_SKEW_MS) return ok(null);
  return fault(
    "RequestExpired",
    `Signature expired or not yet valid: ${signedAt} is more than 15 minutes away from ${now.toISOString()}.`,
    400,
  );
}

function callerOf(world: World, holder: Holder, accessKeyId: string, now: Date): Answered<Caller> {
  const account = world.accounts.get(holder.account);
  if (account === undefined) return invalidToken();
  if (holder.kind === "role") return roleCaller(world, account, holder.session, accessKeyId, now);
  return longTermCaller(account, holder, accessKeyId);
}

const ALLOW_ALL = readPolicy(
  JSON.stringify({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }],
  }),
);

export function rootCaller(account: Account, accessKeyId: string): Answered<Caller> {
  if (!ALLOW_ALL.ok) return ALLOW_ALL;
  const arn = `arn:aws:iam::${account.id}:root`;
  return ok({
    account,
    accessKeyId,
    kind: "root",
    role: null,
    session: null,
    arn,
    userId: account.id,
    userName: null,
    policies: { identity: [ALLOW_ALL.value.parsed], boundary: null, session: null },
    context: { ...principal(account, arn, account.id), "aws:PrincipalType": "Account" },
  });
}

function longTermCaller(
  account: Account,
  holder: Exclude<Holder, { readonly kind: "role" }>,
  accessKeyId: string,
): Answered<Caller> {
  if (holder.kind === "root") return rootCaller(account, accessKeyId);
  const user = account.users.get(holder.name);
  if (user === undefined) return invalidToken();
  return ok({
    account,
    accessKeyId,
    kind: "user",
    role: null,
    session: null,
    arn: user.arn,
    userId: user.id,
    userName: holder.name,
    policies: { identity: user.policies, boundary: null, session: null },
    context: {
      ...principal(account, user.arn, user.id),
      "aws:PrincipalType": "User",
      "aws:username": holder.name,
    },
  });
}

const principal = (account: Account, arn: string, userId: string): Record<string, ContextValue> => ({
  "aws:PrincipalArn": arn,
  "aws:PrincipalAccount": account.id,
  "aws:userid": userId,
});

function roleCaller(
  world: World,
  account: Account,
  session: RoleSession,
  accessKeyId: string,
  now: Date,
): Answered<Caller> {
  if (now >= session.expiresAt)
    return fault("ExpiredToken", "The security token included in the request is expired", 403);
  const role = roleByArn(world, session.roleArn);
  if (role?.id !== session.roleId) return invalidToken();
  return ok(sessionCaller(account, role, session, accessKeyId));
}

const managed = (account: Account, arns: Iterable<string>): readonly ParsedPolicy[] =>
  [...arns].flatMap((policy) => account.policies.get(policy)?.inForce.document.parsed ?? []);

/** A policy that is gone leaves an empty layer, which allows nothing. It must never become "no layer". */
export const rolePolicies = (
  account: Account,
  role: Role,
): Pick<Caller["policies"], "identity" | "boundary"> => ({
  identity: [...[...role.inline.values()].map((policy) => policy.parsed), ...managed(account, role.attached)],
  boundary: role.boundary === null ? null : managed(account, [role.boundary]),
});

function sessionCaller(account: Account, role: Role, session: RoleSession, accessKeyId: string): Caller {
  const userId = `${role.id}:${session.name}`;
  const narrowed = session.policy !== null || session.policyArns.length > 0;
  return {
    account,
    accessKeyId,
    kind: "role",
    role,
    session,
    arn: `arn:aws:sts::${account.id}:assumed-role/${role.name}/${session.name}`,
    userId,
    userName: null,
    policies: {
      ...rolePolicies(account, role),
      session: narrowed
        ? [
            ...(session.policy === null ? [] : [session.policy.parsed]),
            ...managed(account, session.policyArns),
          ]
        : null,
    },
    context: {
      ...principal(account, role.arn, userId),
      "aws:PrincipalType": "AssumedRole",
      "aws:TokenIssueTime": session.issuedAt.toISOString(),
      ...(session.sourceIdentity === null ? {} : { "aws:SourceIdentity": session.sourceIdentity }),
      ...Object.fromEntries(
        mergeTags(role.tags, session.tags).map((tag) => [`aws:PrincipalTag/${tag.key}`, tag.value]),
      ),
    },
  };
}

const SERVICE_SESSION_MS = 3_600_000;

/** An AWS service working with a role of the account: no caller's tags, source identity or session policy with it. */
export const serviceCaller = (
  account: Account,
  role: Role,
  session: { readonly name: string; readonly accessKeyId: string; readonly now: Date },
): Caller =>
  sessionCaller(
    account,
    role,
    {
      account: account.id,
      roleArn: role.arn,
      roleId: role.id,
      roleName: role.name,
      name: session.name,
      sourceIdentity: null,
      tags: [],
      transitiveKeys: [],
      policy: null,
      policyArns: [],
      issuedAt: session.now,
      expiresAt: new Date(session.now.getTime() + SERVICE_SESSION_MS),
    },
    session.accessKeyId,
  );
