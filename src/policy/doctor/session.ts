/**
 * The session doctor asks STS for: on an AI role, for the shortest time, with a policy that denies everything, so that
 * whatever a role that is not as it must be hands out can do nothing. Open to no agent.
 */
import { compiledDigest, type CompiledSession } from "../compiled.ts";
import type { IssuePlan } from "../decide.ts";
import type { PolicyDocument } from "../iam/types.ts";
import type { Account, RoleName } from "../set.ts";

/** Stands in the record as the template of doctor's sessions, so no template may bear it. */
export const DOCTOR_TEMPLATE = "doctor";

/** STS's shortest. */
const SECONDS = 900;

const document: PolicyDocument = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Deny", Action: "*", Resource: "*" }],
};
const policy = JSON.stringify(document);

export const DENIES_EVERYTHING: CompiledSession = {
  ...{ document, policy, policyArns: [], published: [] },
  digest: compiledDigest(policy, []),
};

export function doctorPlan(account: Account, role: RoleName): IssuePlan {
  const title = "Nothing at all: a session that shows whether the role can be assumed";
  return {
    template: {
      ...{ name: DOCTOR_TEMPLATE, kind: "standing", title, description: title, role, intent: "observe" },
      ...{ accounts: null, duration: { defaultSeconds: SECONDS, maxSeconds: SECONDS }, parameters: {} },
      ...{ exceptions: [], allow: [], expect: [], file: "" },
    },
    account,
    roleArn: account.roles[role],
    parameters: {},
    durationSeconds: SECONDS,
    compiled: DENIES_EVERYTHING,
    may: title,
  };
}
