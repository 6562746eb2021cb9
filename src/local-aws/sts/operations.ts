/** STS by operation name. What is not here is answered by other-services.ts: authorised, then "not in local AWS". */
import { ok } from "../../result.ts";
import { type Operations, table } from "../call.ts";
import { assumeRole } from "./assume-role.ts";

export const STS_OPERATIONS: Operations = table({
  AssumeRole: assumeRole,
  // AWS needs no permission for it, and no policy can deny it.
  GetCallerIdentity: ({ caller }) =>
    ok({
      asks: [],
      run: () => ok({ result: { UserId: caller.userId, Account: caller.account.id, Arn: caller.arn } }),
    }),
});
