/** Real ARNs and ids in the place of the documentation's placeholders: a change set prepared in the running demo. */
import { CloudFormationClient, CreateChangeSetCommand } from "@aws-sdk/client-cloudformation";
import { stackTemplate } from "../../src/cli/demo/world.ts";

type Ask = (path: string, body: unknown) => Promise<Readonly<Record<string, unknown>>>;

/** What each placeholder of docs/api.md stands for in this demo. `ask` posts as its agent. */
export async function realArns(ask: Ask, awsUrl: string): Promise<ReadonlyMap<string, string>> {
  const task = { intent: "change", summary: "prepare the repair" };
  const { credentials } = await ask("/v1/credentials", { template: "propose-change", task });
  const keys = credentials as Readonly<Record<string, string>>;
  const cloudformation = new CloudFormationClient({
    region: "us-east-1",
    endpoint: awsUrl,
    credentials: {
      accessKeyId: keys["access_key_id"] ?? "",
      secretAccessKey: keys["secret_access_key"] ?? "",
      sessionToken: keys["session_token"] ?? "",
    },
  });
  const { Id = "", StackId = "" } = await cloudformation.send(
    new CreateChangeSetCommand({
      StackName: "orders-production",
      ChangeSetName: "twokey-fix",
      TemplateBody: stackTemplate("production", 60),
      RoleARN: "arn:aws:iam::111122223333:role/twokey/production-stack-service",
    }),
  );
  cloudformation.destroy();
  return new Map([
    ["arn:aws:cloudformation:us-east-1:111122223333:stack/orders-production/1", StackId],
    ["arn:aws:cloudformation:us-east-1:111122223333:changeSet/twokey-fix/2", Id],
  ]);
}
