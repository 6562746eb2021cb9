/**
 * The port DenyOnRole by IAM: one inline policy on the role, written whole or taken away. AWS takes seconds to minutes to
 * put it into effect. Translates and never decides; one attempt of each call.
 */
import {
  DeleteRolePolicyCommand,
  GetRoleCommand,
  IAMClient,
  PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import type { STSClientConfig } from "@aws-sdk/client-sts";
import { DENIAL_POLICY, type DenyAnswer, type DenyOnRole } from "../../session/denial.ts";
import { scrub } from "./sts-fault.ts";

export interface AwsOptions {
  /** A URL in place of AWS's endpoints; null: AWS's own. */
  readonly endpoint: string | null;
  /** The broker's own AWS credentials; null: the SDK's default chain. */
  readonly credentials: NonNullable<STSClientConfig["credentials"]> | null;
}

const CONNECT_TIMEOUT_MS = 3_000;
const CALL_TIMEOUT_MS = 10_000;

export function createDenyOnRole(options: AwsOptions): DenyOnRole {
  return async ({ roleArn, region, document }) => {
    const iam = new IAMClient({
      region,
      maxAttempts: 1,
      requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, requestTimeout: CALL_TIMEOUT_MS },
      ...(options.endpoint === null ? {} : { endpoint: options.endpoint }),
      ...(options.credentials === null ? {} : { credentials: options.credentials }),
    });
    try {
      return await put(iam, roleArn, document);
    } catch (error) {
      return faultOf(error);
    } finally {
      iam.destroy();
    }
  };
}

async function put(iam: IAMClient, roleArn: string, document: string | null): Promise<DenyAnswer> {
  const RoleName = roleArn.slice(roleArn.lastIndexOf("/") + 1);
  // IAM takes a name, which is another role in another account.
  const { Role } = await iam.send(new GetRoleCommand({ RoleName }));
  if (Role?.Arn !== roleArn) {
    return { fault: "the broker's own credentials are not of the role's account" };
  }
  const policy = { RoleName, PolicyName: DENIAL_POLICY };
  if (document === null) await remove(iam, policy);
  else await iam.send(new PutRolePolicyCommand({ ...policy, PolicyDocument: document }));
  return "in_force";
}

async function remove(
  iam: IAMClient,
  policy: { readonly RoleName: string; readonly PolicyName: string },
): Promise<void> {
  try {
    await iam.send(new DeleteRolePolicyCommand(policy));
  } catch (error) {
    if (codeOf(error) !== "NoSuchEntity") throw error;
  }
}

const codeOf = (error: unknown): string | null =>
  error instanceof Error ? error.name.replace(/Exception$/, "") : null;

function faultOf(error: unknown): DenyAnswer {
  if (codeOf(error) === "LimitExceeded") return "too_large";
  return {
    fault: error instanceof Error ? `${error.name}: ${scrub(error.message)}` : "no answer from IAM",
  };
}
