/**
 * A small AWS to test: one account with a broker user, two AI roles and three stacks, and the clients that call it.
 * Its clock is the machine's, moved by hand.
 */
import { CloudFormationClient } from "@aws-sdk/client-cloudformation";
import { IAMClient } from "@aws-sdk/client-iam";
import { AssumeRoleCommand, type AssumeRoleCommandInput, STSClient } from "@aws-sdk/client-sts";
import { SignatureV4 } from "@smithy/signature-v4";
import { createHash, createHmac } from "node:crypto";
import { onTestFinished } from "vitest";
import { loadActionTable } from "../../src/adapters/action-data/load.ts";
import type { AccountOptions, LocalAwsOptions } from "../../src/local-aws/options.ts";
import { createLocalAws, type LocalAws } from "../../src/local-aws/server.ts";
import type { PolicyDocument, Statement } from "../../src/policy/iam/types.ts";

export const ACCOUNT = "111122223333";
export const REGION = "us-east-1";
export const BROKER = `arn:aws:iam::${ACCOUNT}:user/broker`;
export const OPERATOR = `arn:aws:iam::${ACCOUNT}:role/twokey/operator`;
export const HOP = `arn:aws:iam::${ACCOUNT}:role/hop`;

export interface Keys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export const BROKER_KEYS: Keys = {
  accessKeyId: "AKIABROKER0000000001",
  secretAccessKey: "broker-secret-canary",
};
export const ADMIN_KEYS: Keys = {
  accessKeyId: "AKIAADMIN00000000001",
  secretAccessKey: "admin-secret-canary",
};

export const document = (...statements: readonly Statement[]): PolicyDocument => ({
  Version: "2012-10-17",
  Statement: statements,
});
export const allow = (
  action: string | readonly string[],
  resource: string | readonly string[] = "*",
): Statement => ({
  Effect: "Allow",
  Action: action,
  Resource: resource,
});
export const deny = (
  action: string | readonly string[],
  resource: string | readonly string[] = "*",
): Statement => ({
  Effect: "Deny",
  Action: action,
  Resource: resource,
});
export const trust = (principal: string, ...actions: readonly string[]): Statement => ({
  Effect: "Allow",
  Principal: { AWS: principal },
  Action: actions.length === 0 ? ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"] : actions,
});

export const TEMPLATE = JSON.stringify({
  Resources: {
    Table: {
      Type: "AWS::DynamoDB::Table",
      Properties: { TableName: "orders", BillingMode: "PAY_PER_REQUEST" },
    },
    Queue: { Type: "AWS::SQS::Queue", Properties: { VisibilityTimeout: 30 } },
  },
});

export const SERVICE_ROLE = `arn:aws:iam::${ACCOUNT}:role/twokey/stack-service`;

const account: AccountOptions = {
  id: ACCOUNT,
  users: [
    { name: "broker", ...BROKER_KEYS, policies: [document(allow("sts:*"))] },
    { name: "admin", ...ADMIN_KEYS, policies: [document(allow("*"))] },
  ],
  roles: [
    {
      name: "operator",
      path: "/twokey/",
      trust: document(trust(BROKER)),
      inline: { all: document(allow("*")) },
      tags: { team: "orders" },
    },
    { name: "hop", trust: document(trust(OPERATOR)), inline: { all: document(allow("*")) } },
    {
      name: "stack-service",
      path: "/twokey/",
      trust: document({
        Effect: "Allow",
        Principal: { Service: "cloudformation.amazonaws.com" },
        Action: "sts:AssumeRole",
      }),
    },
  ],
  policies: [{ name: "only-look", document: document(allow("cloudformation:Describe*")) }],
  stacks: [
    { name: "orders-production", template: TEMPLATE, tags: { environment: "production" } },
    { name: "orders-staging", template: TEMPLATE, tags: { environment: "staging" }, roleArn: SERVICE_ROLE },
    { name: "orders-untagged", template: TEMPLATE },
  ],
};

export const actions = loadActionTable();

export interface TestWorld {
  readonly url: string;
  readonly aws: LocalAws;
  /** Moves the clock forward from the machine's time. */
  readonly advance: (seconds: number) => void;
  readonly now: () => Date;
  readonly sts: (keys?: Keys) => STSClient;
  readonly iam: (keys?: Keys) => IAMClient;
  readonly cloudformation: (keys?: Keys) => CloudFormationClient;
}

/** Starts it, and stops it when the test ends. `change` edits the account; `options` goes over the rest. */
export async function startWorld(
  change: (account: AccountOptions) => AccountOptions = (same) => same,
  options: Partial<LocalAwsOptions> = {},
): Promise<TestWorld> {
  let ahead = 0;
  const now = (): Date => new Date(Date.now() + ahead);
  const aws = createLocalAws({ actions, accounts: [change(account)], clock: now, ...options });
  const { url } = await aws.listen();
  const clients: { destroy(): void }[] = [];
  const keep = <T extends { destroy(): void }>(client: T): T => {
    clients.push(client);
    return client;
  };
  const config = (keys: Keys) => ({ region: REGION, endpoint: url, credentials: keys, maxAttempts: 1 });
  onTestFinished(async () => {
    for (const client of clients) client.destroy();
    await aws.close();
  });
  return {
    url,
    aws,
    now,
    advance: (seconds) => {
      ahead += seconds * 1000;
    },
    sts: (keys = BROKER_KEYS) => keep(new STSClient(config(keys))),
    iam: (keys = ADMIN_KEYS) => keep(new IAMClient(config(keys))),
    cloudformation: (keys = ADMIN_KEYS) => keep(new CloudFormationClient(config(keys))),
  };
}

export async function assume(
  client: STSClient,
  input: Partial<AssumeRoleCommandInput> = {},
): Promise<Required<Keys>> {
  const { Credentials } = await client.send(
    new AssumeRoleCommand({ RoleArn: OPERATOR, RoleSessionName: "orders-ci", ...input }),
  );
  return {
    accessKeyId: Credentials?.AccessKeyId ?? "",
    secretAccessKey: Credentials?.SecretAccessKey ?? "",
    sessionToken: Credentials?.SessionToken ?? "",
  };
}

/** What a refused call was refused with. Fails the test when the call was not refused. */
export async function refusal(
  call: Promise<unknown>,
): Promise<{ code: string; message: string; status: number }> {
  try {
    await call;
  } catch (error) {
    const thrown = error as Error & { Code?: string; $metadata?: { httpStatusCode?: number } };
    return {
      code: thrown.Code ?? thrown.name,
      message: thrown.message,
      status: thrown.$metadata?.httpStatusCode ?? 0,
    };
  }
  throw new Error("the call was not refused");
}

class Sha256 {
  readonly #hash;
  constructor(secret?: string | Uint8Array | ArrayBuffer | ArrayBufferView) {
    this.#hash =
      secret === undefined ? createHash("sha256") : createHmac("sha256", secret as string | Uint8Array);
  }
  update(data: string | Uint8Array): void {
    this.#hash.update(data);
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest();
  }
  reset(): void {
    throw new Error("not needed");
  }
}

export interface RawRequest {
  readonly method?: string;
  readonly path?: string;
  readonly query?: Record<string, string>;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  readonly service?: string;
  readonly keys?: Keys;
  readonly signedAt?: Date;
  /** Whether to send `x-amz-content-sha256`. Not every client does. Default true. */
  readonly statesHash?: boolean;
}

export interface SignedRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string | undefined;
}

/** Signs with the AWS SDK's own signer, so that a test can then spoil what was signed. */
export async function sign(world: TestWorld, raw: RawRequest): Promise<SignedRequest> {
  const service = raw.service ?? "sts";
  const signer = new SignatureV4({
    service,
    region: REGION,
    credentials: raw.keys ?? BROKER_KEYS,
    sha256: Sha256,
    uriEscapePath: service !== "s3",
    applyChecksum: raw.statesHash ?? true,
  });
  const { host, hostname, port } = new URL(world.url);
  const signed = await signer.sign(
    {
      protocol: "http:",
      hostname,
      port: Number(port),
      method: raw.method ?? "POST",
      path: raw.path ?? "/",
      query: raw.query ?? {},
      headers: { host, ...raw.headers },
      body: raw.body,
    },
    { signingDate: raw.signedAt ?? world.now() },
  );
  const query = Object.entries(raw.query ?? {})
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join("&");
  return {
    method: signed.method,
    url: `${world.url}${raw.path ?? "/"}${query === "" ? "" : `?${query}`}`,
    headers: signed.headers,
    body: raw.body,
  };
}

export async function send(
  request: SignedRequest,
): Promise<{ status: number; text: string; headers: Headers }> {
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([name]) => name !== "host"));
  const response = await fetch(request.url, {
    method: request.method,
    headers,
    ...(request.body === undefined ? {} : { body: request.body }),
  });
  return { status: response.status, text: await response.text(), headers: response.headers };
}

export const FORM = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
export const IDENTITY_CALL: RawRequest = {
  headers: FORM,
  body: "Action=GetCallerIdentity&Version=2011-06-15",
};
