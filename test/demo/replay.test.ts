/** The replay against a broker without a fence: it must be able to say that production is gone. */
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { replay, type Step } from "../../src/cli/demo/replay.ts";
import type { Stand } from "../../src/cli/demo/stand.ts";
import { demoAccount } from "../../src/cli/demo/world.ts";
import { loadPolicy, localAws } from "../../src/wire/tools.ts";

test("without the session policy every step that must be refused works, and is shown as not ok", async () => {
  const stand = await unfenced();
  const steps: Step[] = [];
  for await (const step of replay(stand)) steps.push(step);
  const refused = steps.filter(({ expected }) => expected === "AccessDenied");
  expect(refused.map(({ step, ok }) => [step, ok])).toEqual([
    ["delete-production", false],
    ["strip-the-tag", false],
    ["hop-to-another-role", false],
    ["delete-untagged", false],
    ["execute-on-production", false],
  ]);
  expect(refused[0]?.answer).toBe("production is gone");
});

/** The demo's AWS, and agents whose endpoints give the operator role's own sessions. */
async function unfenced(): Promise<Stand> {
  const policy = await loadPolicy(join(import.meta.dirname, "../../policies"));
  const account = policy.ok ? policy.value.set.accounts[0] : undefined;
  if (account === undefined) throw new Error("no account");
  const key = { accessKeyId: "AKIABROKERBROKERBROK", secretAccessKey: "broker" };
  const aws = await localAws({ accounts: [demoAccount(account, key)], region: account.region });
  const { url: awsUrl } = await aws.listen();
  const sts = new STSClient({ region: account.region, endpoint: awsUrl, credentials: key });
  const server = createServer((_request, response) => {
    void sts
      .send(
        new AssumeRoleCommand({
          RoleArn: account.roles.operator,
          RoleSessionName: "orders-agent-unfenced",
          ExternalId: account.externalId,
          SourceIdentity: "tks-unfenced",
          Tags: [
            { Key: "twokey:principal", Value: "ai-agent" },
            { Key: "twokey:session", Value: "tks-unfenced" },
          ],
          TransitiveTagKeys: ["twokey:principal", "twokey:session"],
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
  onTestFinished(async () => {
    server.close();
    server.closeAllConnections();
    sts.destroy();
    await aws.close();
  });
  const tokenFile = join(mkdtempSync(join(tmpdir(), "twokey-unfenced-")), "token");
  writeFileSync(tokenFile, "unused");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  return {
    aws,
    awsUrl,
    account,
    operatorTokenFile: "",
    agent: async () => ({ url, tokenFile, may: "everything" }),
    get access(): never {
      throw new Error("the replay asks Twokey for nothing but sessions");
    },
    get broker(): never {
      throw new Error("there is no broker");
    },
    close: async () => undefined,
  };
}
