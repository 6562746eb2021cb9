/**
 * CloudFormation as a caller of IAM: as the stack's service role or, without one, with the permissions of whoever
 * called. Every step on a resource goes through the operation, the questions and the event it would have from
 * outside; there is no other way from a stack to a role.
 */
import { ok } from "../../../result.ts";
import type { Answer, Call } from "../../call.ts";
import { type Caller, serviceCaller } from "../../caller.ts";
import { type Answered, fault } from "../../fault.ts";
import { IAM_OPERATIONS } from "../../iam/operations.ts";
import { type ParameterTree, parametersOf } from "../../parameters.ts";
import { perform } from "../../perform.ts";
import { temporaryKeyId, uuid } from "../../random.ts";
import { type Account, roleByArn } from "../../state.ts";

export const SERVICE = "cloudformation.amazonaws.com";
const IAM_REGION = "us-east-1";

export interface Acting {
  readonly account: Account;
  readonly iam: (operation: string, parameters: ParameterTree) => Answered<Answer>;
}

/** `roleArn` is of a role that checkRole has passed. */
export function actingFor(call: Call, roleArn: string | null): Acting {
  return {
    account: call.caller.account,
    iam: (operation, parameters) => {
      const found = IAM_OPERATIONS.get(operation);
      if (found === undefined) throw new Error(`local AWS: no iam ${operation}`);
      // At each step anew: what the stack does to its own role counts from the next one on.
      const caller = roleArn === null ? call.caller : asRole(call, roleArn);
      // Gone since it was checked: nobody acts, rather than somebody else.
      if (caller === null) return fault("AccessDenied", `Role ${roleArn ?? ""} cannot be assumed`, 403);
      const asked: Call = {
        ...call,
        caller,
        region: IAM_REGION,
        parameters: parametersOf(parameters),
        requestId: uuid(call.random),
        sourceIp: SERVICE,
        userAgent: SERVICE,
        service: { name: SERVICE, as: roleArn === null ? "caller" : "service role" },
      };
      return perform(asked, { service: "iam", operation, own: true }, found(asked));
    },
  };
}

function asRole(call: Call, roleArn: string): Caller | null {
  const role = roleByArn(call.world, roleArn);
  if (role?.account !== call.caller.account.id) return null;
  const accessKeyId = temporaryKeyId(call.random);
  return serviceCaller(call.caller.account, role, { name: "AWSCloudFormation", accessKeyId, now: call.now });
}

/** Runs the steps one after the other up to the first that fails. */
export function inTurn(steps: readonly (() => Answered<unknown>)[]): Answered<null> {
  for (const step of steps) {
    const done = step();
    if (!done.ok) return done;
  }
  return ok(null);
}

/** Taking away what is gone already is done. */
export function gone(answer: Answered<unknown>): Answered<unknown> {
  return !answer.ok && answer.error.code === "NoSuchEntity" ? ok(null) : answer;
}
