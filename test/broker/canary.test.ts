import { mkdtempSync, readdirSync, readFileSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { enrolApprover, invitationLink } from "../../src/cli/demo/approver.ts";
import { fetchNoting, signingKeyTexts } from "../support/secrets.ts";
import { CANARY, respond, stsError } from "../support/stub-sts.ts";
import { ask, BROKER_KEYS, OBSERVE, send, startTestBroker, type Reply } from "../support/test-broker.ts";

test("case 50: no session token, secret key, workload token, cookie or signing key in logs, database, metrics or error bodies", async () => {
  const folder = join(mkdtempSync(join(tmpdir(), "twokey-canary-")), "data");
  let explode = false;
  const running = await startTestBroker((config) => ({ ...config, store: { url: null, folder } }), {
    randomBytes: (count) => {
      if (explode) throw new Error(`exploded with ${CANARY.sessionToken}`, { cause: CANARY.secretKey });
      return crypto.getRandomValues(new Uint8Array(count));
    },
  });
  const tokens: string[] = [];
  const token = running.agent.token;
  const agent = {
    ...running.agent,
    token: async (): Promise<string> => {
      const fresh = await token();
      tokens.push(fresh);
      return fresh;
    },
  };
  const errors: Reply[] = [];
  const fails = async (status: number, work: Promise<Reply>): Promise<void> => {
    const reply = await work;
    expect(reply.status).toBe(status);
    errors.push(reply);
  };
  const asking = { url: running.url, agent };

  expect((await ask(asking)).text).toContain(CANARY.sessionToken);
  const quoting = `signature of x-amz-security-token:${CANARY.sessionToken} with ${CANARY.secretKey}`;
  running.sts.answer = stsError(403, "SignatureDoesNotMatch", quoting);
  await fails(502, ask(asking));
  running.sts.answer = stsError(503, "ServiceUnavailable", quoting);
  await fails(504, ask(asking));
  running.sts.answer = (response) => {
    respond(response, 200, `<AssumeRoleResponse><Credentials><SessionToken>${CANARY.sessionToken}</Session`);
  };
  await fails(504, ask(asking));
  await fails(400, ask(asking, { ...OBSERVE, tags: {} }));
  await fails(403, ask(asking, { ...OBSERVE, template: "none" }));
  const cut = (await agent.token()).slice(0, -4);
  await fails(401, send(running.url, "GET", "/v1/templates", { authorization: `Bearer ${cut}` }));
  const cookies: string[] = [];
  const link = await invitationLink(running.broker, "platform-engineer");
  const approver = await enrolApprover(running.broker, link, fetchNoting(cookies));
  const nothing = { id: "tke-none", digest: "none" };
  const undecided = await approver.decide(nothing, "approve");
  expect(undecided.status).toBeGreaterThanOrEqual(400);
  explode = true;
  await fails(500, ask(asking));
  const metrics = await send(running.url, "GET", "/metrics");
  await running.close();

  const whole = [
    CANARY.secretKey,
    CANARY.sessionToken,
    BROKER_KEYS.secretAccessKey,
    ...tokens,
    cut,
    link,
    ...cookies,
    ...signingKeyTexts(),
  ];
  // The end of a secret is one too: a token's signature is what makes it a credential.
  const secrets = whole.flatMap((secret) => [secret, secret.slice(-16)]);
  const places = {
    log: running.log.join(""),
    errors: [
      ...errors.map(({ text, headers }) => text + JSON.stringify(headers)),
      JSON.stringify(undecided),
    ].join("\n"),
    metrics: metrics.text + JSON.stringify(metrics.headers),
    database: filesBelow(folder).join("\n"),
  };
  expect(cookies).not.toEqual([]);
  expect(metrics.text).toContain("twokey_mints_refused_total{");
  expect(places.database).toContain("session.intent");
  expect(running.log.length).toBeGreaterThan(errors.length);
  for (const [place, text] of Object.entries(places)) {
    const hits = secrets.filter((secret) => text.includes(secret));
    expect([place, hits]).toEqual([place, []]);
  }
});

/** Every file of the database as Latin-1, so that no byte is lost to decoding. */
function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path, "latin1"));
}
