/** An STS that does nothing but answer, in a process of its own, so that it is not what is measured. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const BODY =
  '<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>' +
  `<AccessKeyId>ASIABENCHBENCHBENCH0</AccessKeyId><SecretAccessKey>${"s".repeat(40)}</SecretAccessKey>` +
  `<SessionToken>${"t".repeat(900)}</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials>` +
  "<AssumedRoleUser><Arn>arn:aws:sts::111122223333:assumed-role/ai-operator/x</Arn><AssumedRoleId>AROA:x</AssumedRoleId>" +
  "</AssumedRoleUser><PackedPolicySize>42</PackedPolicySize></AssumeRoleResult></AssumeRoleResponse>";

const server = createServer((request, response) => {
  request.resume();
  request.on("end", () => {
    response.writeHead(200, { "content-type": "text/xml", "content-length": BODY.length }).end(BODY);
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, "127.0.0.1", () => process.send?.((server.address() as AddressInfo).port));
process.on("disconnect", () => process.exit(0));
