// Watch's relay: takes alarms from SNS topics and reports each to the broker, inside its network. Runs in AWS Lambda, whole
// as it stands here. A failure is thrown, so that Lambda tries again and then keeps the alarm in the dead-letter queue.
"use strict";
const https = require("node:https");

const ascii = (value, most) =>
  value == null || value === ""
    ? null
    : String(value)
        .replace(/[^\x20-\x7e]/g, "?")
        .slice(0, most);

/** A message of Watch's topic as the body of POST /v1/watch. */
function bodyOf({ rule, event }) {
  const { detail = {} } = event;
  const asked = detail.requestParameters ?? {};
  const call = detail.eventName ? `${detail.eventSource} ${detail.eventName}` : event["detail-type"];
  return {
    rule: ascii(rule, 64),
    event_id: ascii(event.id, 64),
    account: event.account,
    region: event.region,
    event: ascii(call, 160),
    principal: ascii(detail.userIdentity?.arn ?? detail.userIdentity?.principalId, 256),
    resource: ascii(
      asked.roleArn ??
        asked.policyArn ??
        asked.roleName ??
        asked.name ??
        asked.rule ??
        (event.resources ?? [])[0],
      512,
    ),
    refusal: ascii(detail.errorCode, 128),
    happened_at: event.time,
  };
}

async function tokenOf(secretId) {
  // Part of the runtime.
  const { SecretsManagerClient, GetSecretValueCommand } = require("@aws-sdk/client-secrets-manager");
  const { SecretString } = await new SecretsManagerClient({}).send(
    new GetSecretValueCommand({ SecretId: secretId }),
  );
  return SecretString.trim();
}

/** To the load balancer by its own name, which must show the certificate of the broker's. */
function report(body, token, { BROKER_HOST, BALANCER_HOST, BALANCER_PORT = "443" }) {
  const text = JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const request = https.request(
      {
        host: BALANCER_HOST,
        port: BALANCER_PORT,
        servername: BROKER_HOST,
        method: "POST",
        path: "/v1/watch",
        timeout: 10000,
        headers: {
          Host: BROKER_HOST,
          Authorization: `Bearer ${token}`,
          "Content-Type": "application/json",
          "Content-Length": Buffer.byteLength(text),
        },
      },
      (answer) => {
        answer.resume();
        if (answer.statusCode === 201) resolve();
        else reject(new Error(`the broker answered ${answer.statusCode}`));
      },
    );
    request.on("timeout", () => request.destroy(new Error("the broker did not answer")));
    request.on("error", reject);
    request.end(text);
  });
}

exports.bodyOf = bodyOf;
exports.report = report;
exports.handler = async ({ Records }) => {
  const token = await tokenOf(process.env.TOKEN_SECRET);
  for (const { Sns } of Records) await report(bodyOf(JSON.parse(Sns.Message)), token, process.env);
};
