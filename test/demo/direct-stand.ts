/**
 * The demo's stand without a broker: its agents' endpoints hand out what STS gives the broker's own user, with whatever
 * session policy the test says. So each layer around a session can be looked at without the others.
 */
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { Stand } from "../../src/cli/demo/stand.ts";
import type { AccountOptions } from "../../src/local-aws/options.ts";
import type { Account } from "../../src/policy/set.ts";
import { localAws } from "../../src/wire/tools.ts";

export const BROKER_KEY = { accessKeyId: "AKIABROKERBROKERBROK", secretAccessKey: "broker" };

export interface Direct {
  readonly account: Account;
  readonly world: AccountOptions;
  /** The role of a template's sessions, and their session policy; null: none. */
  readonly session: (template: string) => { readonly roleArn: string; readonly policy: string | null };
}

export async function directStand({ account, world, session }: Direct): Promise<Stand> {
  const aws = await localAws({ accounts: [world], region: account.region });
  const { url: awsUrl } = await aws.listen();
  const sts = new STSClient({ region: account.region, endpoint: awsUrl, credentials: BROKER_KEY });
  onTestFinished(async () => {
    sts.destroy();
    await aws.close();
  });
  const tokenFile = join(mkdtempSync(join(tmpdir(), "twokey-direct-")), "token");
  writeFileSync(tokenFile, "unused");
  return {
    aws,
    awsUrl,
    account,
    operatorTokenFile: "",
    agent: async (template) => ({
      url: await endpoint(sts, account, session(template)),
      tokenFile,
      may: "what its layers let it",
    }),
    get access(): never {
      throw new Error("the replay asks Twokey for nothing but sessions");
    },
    get broker(): never {
      throw new Error("there is no broker");
    },
    close: async () => undefined,
  };
}

async function endpoint(
  sts: STSClient,
  account: Account,
  { roleArn, policy }: ReturnType<Direct["session"]>,
): Promise<string> {
  const server = createServer((_request, response) => {
    void sts
      .send(
        new AssumeRoleCommand({
          RoleArn: roleArn,
          RoleSessionName: "orders-agent-direct",
          ExternalId: account.externalId,
          SourceIdentity: "tks-direct",
          Tags: [
            { Key: "twokey:principal", Value: "ai-agent" },
            { Key: "twokey:session", Value: "tks-direct" },
          ],
          TransitiveTagKeys: ["twokey:principal", "twokey:session"],
          ...(policy === null ? {} : { Policy: policy }),
        }),
      )
      .then(({ Credentials: given }) => {
        response.setHeader("content-type", "application/json");
        response.end(
          JSON.stringify({
            AccessKeyId: given?.AccessKeyId,
            SecretAccessKey: given?.SecretAccessKey,
            Token: given?.SessionToken,
            Expiration: given?.Expiration?.toISOString(),
          }),
        );
      });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}
