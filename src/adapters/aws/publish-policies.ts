/**
 * IAM's managed policies under /twokey/, through the AWS SDK with its default credentials. Translates and never
 * decides. Creates and deletes policies; has no way to change one.
 */
import {
  CreatePolicyCommand,
  DeletePolicyCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  IAMClient,
  paginateListPolicies,
  type Policy,
} from "@aws-sdk/client-iam";
import { GetCallerIdentityCommand, STSClient, type STSClientConfig } from "@aws-sdk/client-sts";
import type { PolicyStore, StoredPolicy } from "../../policy/publish.ts";
import { PUBLISHED_PATH } from "../../policy/split.ts";

export interface PolicyStoreOptions {
  /** Region of the STS endpoint and of the signature. */
  readonly region: string;
  /** A URL in place of AWS's; null: what AWS_ENDPOINT_URL or the profile says, else AWS's own. */
  readonly endpoint: string | null;
  /** Null: the SDK's default chain. */
  readonly credentials: NonNullable<STSClientConfig["credentials"]> | null;
}

export interface ClosablePolicyStore extends PolicyStore {
  close(): void;
}

export function createPolicyStore(options: PolicyStoreOptions): ClosablePolicyStore {
  const config = {
    region: options.region,
    ...(options.endpoint === null ? {} : { endpoint: options.endpoint }),
    ...(options.credentials === null ? {} : { credentials: options.credentials }),
  };
  const [iam, sts] = [new IAMClient(config), new STSClient(config)];
  return {
    account: async () => {
      const { Account } = await sts.send(new GetCallerIdentityCommand({}));
      return demand(Account, "GetCallerIdentity answered without an account");
    },
    list: async () => {
      const found: StoredPolicy[] = [];
      const query = { Scope: "Local", PathPrefix: PUBLISHED_PATH } as const;
      for await (const page of paginateListPolicies({ client: iam }, query)) {
        for (const policy of page.Policies ?? []) {
          // The prefix also finds what lies deeper.
          if (policy.Path === PUBLISHED_PATH) found.push(await read(iam, policy));
        }
      }
      return found;
    },
    create: async ({ name, text }, description) => {
      await iam.send(
        new CreatePolicyCommand({
          PolicyName: name,
          Path: PUBLISHED_PATH,
          PolicyDocument: text,
          Description: description,
        }),
      );
    },
    remove: async (arn) => {
      try {
        await iam.send(new DeletePolicyCommand({ PolicyArn: arn }));
        return "removed";
      } catch (error) {
        const code = error instanceof Error ? error.name.replace(/Exception$/, "") : "";
        if (code === "NoSuchEntity") return "removed";
        if (code === "DeleteConflict") return "in_use";
        throw error;
      }
    },
    close: () => {
      iam.destroy();
      sts.destroy();
    },
  };
}

/** Lists leave out the description, and the document is the version's. */
async function read(iam: IAMClient, listed: Policy): Promise<StoredPolicy> {
  const arn = demand(listed.Arn, "IAM listed a policy without an ARN");
  const { Policy: policy } = await iam.send(new GetPolicyCommand({ PolicyArn: arn }));
  const version = demand(policy?.DefaultVersionId, `${arn} has no version in force`);
  const { PolicyVersion } = await iam.send(
    new GetPolicyVersionCommand({ PolicyArn: arn, VersionId: version }),
  );
  return {
    arn,
    name: demand(listed.PolicyName, `${arn} has no name`),
    description: policy?.Description ?? "",
    text: decodeURIComponent(PolicyVersion?.Document ?? ""),
    // A count that is missing must not read as "free to remove".
    attached: policy?.AttachmentCount !== 0 || (policy.PermissionsBoundaryUsageCount ?? 0) !== 0,
  };
}

function demand<T>(value: T | undefined, message: string): T {
  if (value === undefined) throw new Error(message);
  return value;
}
