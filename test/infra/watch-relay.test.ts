/** The relay's code as it runs in Lambda: over real TLS to a server that stands for the load balancer. */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync } from "node:fs";
import { createServer, globalAgent, type Server } from "node:https";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Match, Template } from "aws-cdk-lib/assertions";
import { afterAll, beforeAll, expect, test } from "vitest";
import { OTHER_ACCOUNT, serviceStack } from "./broker-world.ts";

interface Relay {
  bodyOf(message: unknown): Readonly<Record<string, unknown>>;
  report(body: unknown, token: string, env: Readonly<Record<string, string>>): Promise<void>;
}
const relay = createRequire(import.meta.url)("../../infra/watch-relay.cjs") as Relay;

/** As the user guide shows an AssumeRole event, cut to what is read. */
const EVENT = {
  id: "17793124-05d4-b198-2fde-7ededc63b103",
  "detail-type": "AWS API Call via CloudTrail",
  account: "111122223333",
  time: "2029-12-31T23:59:00Z",
  region: "us-east-1",
  resources: [],
  detail: {
    eventSource: "sts.amazonaws.com",
    eventName: "AssumeRole",
    userIdentity: { arn: "arn:aws:iam::111122223333:user/mallory" },
    requestParameters: { roleArn: "arn:aws:iam::111122223333:role/twokey/ai-operator" },
    errorCode: "AccessDenied",
  },
};

test("an event becomes the alarm that the broker takes", () => {
  expect(relay.bodyOf({ rule: "role-assumed-by-others", event: EVENT })).toEqual({
    rule: "role-assumed-by-others",
    event_id: "17793124-05d4-b198-2fde-7ededc63b103",
    account: "111122223333",
    region: "us-east-1",
    event: "sts.amazonaws.com AssumeRole",
    principal: "arn:aws:iam::111122223333:user/mallory",
    resource: "arn:aws:iam::111122223333:role/twokey/ai-operator",
    refusal: "AccessDenied",
    happened_at: "2029-12-31T23:59:00Z",
  });
});

test("a change of tags names its resource, and nobody where the event names nobody", () => {
  const event = {
    ...EVENT,
    "detail-type": "Tag Change on Resource",
    resources: ["arn:aws:ec2:us-east-1:111122223333:instance/i-0123"],
    detail: { "changed-tag-keys": ["environment"] },
  };
  expect(relay.bodyOf({ rule: "environment-tag-changed", event })).toMatchObject({
    event: "Tag Change on Resource",
    principal: null,
    resource: "arn:aws:ec2:us-east-1:111122223333:instance/i-0123",
    refusal: null,
  });
});

test("text that an attacker chose reaches the broker as one bounded line of ASCII", () => {
  const detail = { ...EVENT.detail, requestParameters: { roleName: `ai\u202E\n${"x".repeat(600)}` } };
  const { resource } = relay.bodyOf({ rule: "fence-changed", event: { ...EVENT, detail } });
  expect(resource).toBe(`ai??${"x".repeat(508)}`);
});

let server: Server;
let status = 201;
const seen: {
  host: string | undefined;
  authorization: string | undefined;
  url: string | undefined;
  body: string;
}[] = [];
let to: Readonly<Record<string, string>>;
beforeAll(async () => {
  const folder = mkdtempSync(join(tmpdir(), "twokey-relay-"));
  const names = ["-subj", "/CN=twokey.example.com", "-addext", "subjectAltName=DNS:twokey.example.com"];
  const fresh = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", "key.pem"];
  execFileSync("openssl", [...fresh, "-out", "cert.pem", ...names], { cwd: folder, stdio: "pipe" });
  const [key, cert] = ["key.pem", "cert.pem"].map((name) => readFileSync(join(folder, name)));
  server = createServer({ key, cert }, (request, response) => {
    let body = "";
    request.on("data", (chunk: Buffer) => (body += chunk.toString()));
    request.on("end", () => {
      const { host, authorization } = request.headers;
      seen.push({ host, authorization, url: request.url, body });
      response.writeHead(status).end("{}");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  globalAgent.options.ca = cert;
  const { port } = server.address() as AddressInfo;
  to = { BROKER_HOST: "twokey.example.com", BALANCER_HOST: "127.0.0.1", BALANCER_PORT: String(port) };
});
afterAll(() => {
  delete globalAgent.options.ca;
  server.close();
  server.closeAllConnections();
});

test("it is posted to the load balancer's address under the broker's name, with Watch's token", async () => {
  await relay.report({ rule: "fence-changed" }, "watch-token", to);
  expect(seen.at(-1)).toEqual({
    host: "twokey.example.com",
    authorization: "Bearer watch-token",
    url: "/v1/watch",
    body: '{"rule":"fence-changed"}',
  });
});

test("a server that is not the broker by its certificate gets neither token nor alarm", async () => {
  const before = seen.length;
  const other = { ...to, BROKER_HOST: "other.example.com" };
  await expect(relay.report({}, "watch-token", other)).rejects.toThrow(/other\.example\.com/);
  expect(seen.length).toBe(before);
});

test("what the broker did not record is thrown, so that it is tried again and kept", async () => {
  status = 503;
  await expect(relay.report({}, "watch-token", to)).rejects.toThrow("503");
  status = 201;
});

test("the function has this code whole, Watch's token alone, and a queue for what does not get through", () => {
  const template = Template.fromStack(serviceStack());
  template.hasResourceProperties("AWS::Lambda::Function", {
    Code: { ZipFile: readFileSync(join(import.meta.dirname, "../../infra/watch-relay.cjs"), "utf8") },
    DeadLetterConfig: Match.anyValue(),
    Environment: { Variables: Match.objectLike({ BROKER_HOST: "twokey.example.com" }) },
  });
  template.hasResourceProperties("AWS::SNS::Subscription", {
    Protocol: "lambda",
    TopicArn: `arn:aws:sns:us-east-1:${OTHER_ACCOUNT}:Watch-Alarms`,
    Region: "us-east-1",
  });
  template.hasResourceProperties("AWS::Lambda::Permission", {
    Principal: "sns.amazonaws.com",
    SourceArn: `arn:aws:sns:us-east-1:${OTHER_ACCOUNT}:Watch-Alarms`,
  });
});
