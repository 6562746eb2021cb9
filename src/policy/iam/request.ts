/**
 * Makes a request ready for matching: who calls, what the request implies, keys folded. Whatever cannot be read is
 * refused, since a request that is not understood must never be allowed.
 */
import { err, ok, type Result } from "../../result.ts";
import { indexContext } from "./context.ts";
import { foldAscii } from "./match.ts";
import type { Caller } from "./principal.ts";
import type { PreparedRequest } from "./statement.ts";
import type { EvaluationRequest } from "./types.ts";

/** As every published action is spelled. Anything else, a look-alike letter included, is no action. */
const ACTION = /^[A-Za-z0-9-]+:[A-Za-z0-9-]+$/;
const SESSION = /^arn:(aws[a-z-]*):sts::(\d{12}):assumed-role\/([^/]+)\//;
const ROLE = /^arn:aws[a-z-]*:iam::\d{12}:role\//;

/** The error is why the request is refused, as one clause. */
export function prepareRequest(request: EvaluationRequest): Result<PreparedRequest, string> {
  if (!ACTION.test(request.action)) return err("the action does not look like service:Action");
  const { index: context, twice } = indexContext(request.context);
  if (twice !== null) return err("the request holds one condition key in two spellings");
  const known = context.get("aws:principalarn");
  const caller = callerOf(request.principal, typeof known === "string" ? known : undefined);
  const implied = [
    ["aws:principalarn", caller.roleArn ?? caller.arn, caller.arn.startsWith("arn:")],
    ["aws:principalaccount", caller.account, caller.arn.startsWith("arn:")],
    ["aws:resourceaccount", request.resourceAccount, request.resourceAccount !== ""],
  ] as const;
  for (const [key, value, isKnown] of implied) if (isKnown && !context.has(key)) context.set(key, value);
  return ok({ action: foldAscii(request.action), resource: request.resource, context, caller });
}

function callerOf(principal: EvaluationRequest["principal"], principalArn: string | undefined): Caller {
  const { arn, account } = principal;
  // A grant to a role is worth less than one to its session: mixing the two up would widen it.
  if (ROLE.test(arn)) throw new Error("principal.arn is a role; requests are made by role sessions");
  const [, partition, sessionAccount, role] = SESSION.exec(arn) ?? [];
  if (role === undefined) return { arn, account, roleArn: null };
  const withoutPath = `arn:${partition ?? "aws"}:iam::${sessionAccount ?? account}:role/${role}`;
  return { arn, account, roleArn: principal.roleArn ?? principalArn ?? withoutPath };
}
