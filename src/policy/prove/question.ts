/**
 * One question of the proof: an action, the resource type it is asked about, the request as AWS would see it, and
 * whether a resource policy names the session. Also the fixed surroundings of every question: a role that may do
 * everything, so that only the session policy can say no. Types and constants; decides nothing.
 */
import type { ContextValue, EvaluationRequest, PolicyDocument } from "../iam/types.ts";
import type { ActionFacts, ActionResource } from "../knowledge.ts";
import type { Account } from "../set.ts";

export type Context = Readonly<Record<string, ContextValue>>;

export interface Question {
  readonly facts: ActionFacts;
  /** The type of the resource asked about; null where the action names none. */
  readonly type: ActionResource | null;
  readonly request: EvaluationRequest;
  /** A resource policy allows the session itself everything, so that no implicit deny limits it. */
  readonly named: boolean;
}

/** Any account that is not the session's own. */
export const OTHER_ACCOUNT = "999999999990";

export const sessionArn = ({ id }: Account, role: string): string => {
  const partition = role.split(":")[1] ?? "aws";
  return `arn:${partition}:sts::${id}:assumed-role/${role.slice(role.lastIndexOf("/") + 1)}/proof`;
};

export const EVERYTHING: PolicyDocument = {
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }],
};

export const namesTheSession = (arn: string): PolicyDocument => ({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { AWS: arn }, Action: "*", Resource: "*" }],
});
