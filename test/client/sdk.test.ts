import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { requestSession } from "../../src/client/broker.ts";
import { sessionCache } from "../../src/client/cache.ts";
import { startEndpoint } from "../../src/client/endpoint.ts";
import { ok } from "../../src/result.ts";
import { CANARY, fakeBroker, REFUSAL, refuse, type FakeBroker } from "./fake-broker.ts";
import { hasBoto3, PYTHON, run, serve, world, type Ended, type World } from "./programs.ts";

let broker: FakeBroker;
let here: World;
beforeEach(async () => {
  broker = await fakeBroker();
  broker.lifetime = 900;
  here = world(broker);
});
afterEach(async () => {
  await broker.close();
  rmSync(here.home, { recursive: true, force: true });
});

/** Resolves the SDK's default credential chain 20 times; prints the last access key, or the error. */
const BOTO3 = `
import boto3, sys
try:
    credentials = boto3.Session().get_credentials()
    for _ in range(20):
        frozen = credentials.get_frozen_credentials()
    print(frozen.access_key, frozen.secret_key == "${CANARY.secretAccessKey}", frozen.token == "${CANARY.sessionToken}")
except Exception as error:
    print(error)
`;
const JS_V3 = `
  import { STSClient } from "@aws-sdk/client-sts";
  try {
    const client = new STSClient({ region: "us-east-1" });
    let got;
    for (let use = 0; use < 20; use += 1) got = await client.config.credentials();
    console.log(got.accessKeyId, got.secretAccessKey === "${CANARY.secretAccessKey}", got.sessionToken === "${CANARY.sessionToken}");
  } catch (error) {
    console.log(String(error));
  }
`;
const SDKS = [
  { sdk: "boto3", installed: hasBoto3, command: [PYTHON, "-c", BOTO3] },
  {
    sdk: "the JavaScript SDK v3",
    installed: true,
    command: [process.execPath, "--input-type=module", "-e", JS_V3],
  },
] as const;

for (const { sdk, installed, command } of SDKS) {
  describe.skipIf(!installed)(`${sdk}, unmodified`, () => {
    const ask = (env: World["env"]): Promise<Ended> => {
      const [program, ...args] = command;
      return run(program, args, env);
    };

    test("many uses of a 900 s session from agent serve cost the broker one request", async () => {
      const agent = await serve(here);
      const said = await ask({ ...here.env, ...agent.env });
      expect(said.stdout.toLowerCase().trim()).toBe("asiacanary1 true true");
      expect(broker.asked).toHaveLength(1);
      await agent.stop();
    });

    test("it works under twokey exec", async () => {
      const said = await run("twokey", ["exec", "--", ...command], here.env);
      expect(said.stdout.toLowerCase().trim()).toBe("asiacanary1 true true");
    });

    test("it works through credential_process in a profile that setup aws wrote, whatever the task's text", async () => {
      // Over the 15 minutes below which boto3 starts the process at every use.
      broker.lifetime = 3600;
      const task = `it's 5% "late"; echo $HOME #1 \`id\` \\ ende`;
      const flags = ["--template", "observe", "--intent", "observe", "--task", task, "--write"];
      const setup = await run("twokey", ["setup", "aws", ...flags], here.env);
      expect(setup.code).toBe(0);
      const said = await ask({ ...here.env, AWS_PROFILE: "twokey" });
      expect(said.stdout.toLowerCase()).toMatch(/^asiacanary\d+ true true\s*$/);
      expect(broker.asked[0]?.request).toMatchObject({ task: { summary: task } });
    });

    test("a wrong loopback token gets no credentials", async () => {
      const agent = await serve(here);
      const wrong = join(here.home, "wrong");
      writeFileSync(wrong, "not-the-token");
      const said = await ask({ ...here.env, ...agent.env, AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: wrong });
      expect(said.stdout).not.toContain("ASIACANARY");
      await agent.stop();
    });
  });
}

describe.skipIf(!hasBoto3)("boto3 and a refusal", () => {
  async function boto3At(lifetime: number): Promise<Ended> {
    broker.lifetime = lifetime;
    const sessions = sessionCache({
      fetch: () =>
        requestSession({
          url: new URL(broker.url),
          request: { template: "staging-deploy", task: { intent: "change", summary: "repair" } },
          workloadToken: async () => ok(CANARY.workloadToken),
          newKey: () => "key",
          wait: async () => undefined,
        }),
      now: () => new Date(),
      onEvent: () => undefined,
    });
    const endpoint = await startEndpoint({ sessions, token: "loopback", port: 0 });
    const env = {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: endpoint.url,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: "loopback",
    };
    const said = await run(PYTHON, ["-c", BOTO3], { ...here.env, ...env });
    await endpoint.close();
    return said;
  }

  test("the endpoint's refusal is shown with Twokey's reason and next step, and asked of the broker once", async () => {
    refuse(broker);
    const said = await boto3At(900);
    expect(said.stdout).toContain(REFUSAL.detail);
    expect(said.stdout).toContain(REFUSAL.next);
    expect(broker.asked).toHaveLength(1);
  });

  test("a credential_process that was refused shows Twokey's reason and next step", async () => {
    refuse(broker);
    await run("twokey", ["setup", "aws", "--write"], here.env);
    const said = await run(PYTHON, ["-c", BOTO3], { ...here.env, AWS_PROFILE: "twokey" });
    expect(said.stdout).toContain(REFUSAL.detail);
    expect(said.stdout).toContain(REFUSAL.next);
  });

  test("a session that has already expired is not handed out", async () => {
    const said = await boto3At(-5);
    expect(said.stdout).toContain("clock_skew");
    expect(said.stdout).not.toContain("ASIACANARY");
  });
});
