import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { childEnvironment } from "../../src/client/child-environment.ts";
import { CANARY, fakeBroker, REFUSAL, refuse, type FakeBroker } from "./fake-broker.ts";
import { ended, hasBoto3, PYTHON, run, start, world, type World } from "./programs.ts";

let broker: FakeBroker;
let here: World;
beforeEach(async () => {
  broker = await fakeBroker();
  here = world(broker);
});
afterEach(async () => {
  await broker.close();
  rmSync(here.home, { recursive: true, force: true });
});

const node = (script: string): string[] => ["exec", "--", process.execPath, "-e", script];
const exec = (script: string, env: Record<string, string> = {}) =>
  run("twokey", node(script), { ...here.env, ...env });

/** Every way the AWS documentation names by which an SDK or tool takes credentials from its environment. */
const HUMAN = {
  AWS_ACCESS_KEY_ID: "AKIAHUMAN",
  AWS_SECRET_ACCESS_KEY: "human",
  AWS_SESSION_TOKEN: "human",
  AWS_SECURITY_TOKEN: "human",
  AWS_CREDENTIAL_EXPIRATION: "human",
  AWS_CREDENTIAL_FILE: "human",
  AWS_PROFILE: "human",
  AWS_DEFAULT_PROFILE: "human",
  AWS_WEB_IDENTITY_TOKEN_FILE: "human",
  AWS_ROLE_ARN: "human",
  AWS_ROLE_SESSION_NAME: "human",
  AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: "/human",
  AWS_CONTAINER_AUTHORIZATION_TOKEN: "human",
  AWS_BEARER_TOKEN_BEDROCK: "human",
} as const;
const PROOF = {
  TWOKEY_TOKEN: CANARY.workloadToken,
  TWOKEY_AGENT_KEY: "/agent.key",
  TWOKEY_TOKEN_FILE: "/token",
  ACTIONS_ID_TOKEN_REQUEST_TOKEN: "proof",
  ACTIONS_ID_TOKEN_REQUEST_URL: "proof",
} as const;
const access = {
  url: "http://127.0.0.1:1/credentials",
  tokenFile: "/t/token",
  region: "us-east-1",
  emptyFile: "/t/empty",
};

describe("the environment of a command under exec", () => {
  test.each([...Object.keys(HUMAN), ...Object.keys(PROOF)])(
    "%s does not get through, in any case",
    (name) => {
      const child = childEnvironment({ [name]: "x", [name.toLowerCase()]: "x", PATH: "/bin" }, access);
      expect(Object.keys(child)).not.toContain(name);
      expect(Object.keys(child)).not.toContain(name.toLowerCase());
      expect(child["PATH"]).toBe("/bin");
    },
  );

  test("it holds the endpoint, the region and empty places for a person's profiles", () => {
    expect(
      childEnvironment({ AWS_CONFIG_FILE: "/human", AWS_ENDPOINT_URL: "http://127.0.0.1:2" }, access),
    ).toEqual({
      AWS_CONTAINER_CREDENTIALS_FULL_URI: "http://127.0.0.1:1/credentials",
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "/t/token",
      AWS_REGION: "us-east-1",
      AWS_DEFAULT_REGION: "us-east-1",
      AWS_SHARED_CREDENTIALS_FILE: "/t/empty",
      AWS_CONFIG_FILE: "/t/empty",
      BOTO_CONFIG: "/t/empty",
      AWS_EC2_METADATA_DISABLED: "true",
      AWS_ENDPOINT_URL: "http://127.0.0.1:2",
    });
  });
});

describe("twokey exec", () => {
  test("no secret is in the command's environment; the token file is private while it runs and gone after", async () => {
    const script = `
      const fs = require("node:fs");
      const file = process.env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE;
      const mode = (path) => (fs.statSync(path).mode & 0o777).toString(8);
      const token = fs.readFileSync(file, "utf8");
      const { length } = Object.values(process.env).filter((value) => value.includes(token));
      console.log(JSON.stringify({ file, modes: [mode(file), mode(require("node:path").dirname(file))],
        newline: /[\\r\\n]/.test(token), length, env: process.env }));
    `;
    const { stdout, code } = await exec(script, { ...HUMAN, ACTIONS_ID_TOKEN_REQUEST_TOKEN: "proof-canary" });
    expect(code).toBe(0);
    const seen = JSON.parse(stdout) as Record<string, unknown> & { file: string };
    expect(seen).toMatchObject({ modes: ["600", "700"], newline: false, length: 0 });
    expect(stdout).not.toContain("canary");
    expect(stdout).not.toContain("human");
    expect(existsSync(seen.file)).toBe(false);
  });

  test("a refusal is told with its reason, and the command never runs", async () => {
    refuse(broker);
    const marker = join(here.home, "ran");
    const { code, stdout, stderr } = await exec(
      `require("node:fs").writeFileSync(${JSON.stringify(marker)}, "")`,
    );
    expect({ code, stdout, stderr }).toEqual({
      code: 1,
      stdout: "",
      stderr: `twokey: ${REFUSAL.detail} (${REFUSAL.code}) Next: ${REFUSAL.next}\n`,
    });
    expect(existsSync(marker)).toBe(false);
  });

  test("settings that are missing are all named, exit 2", async () => {
    const { code, stderr } = await exec("0", { TWOKEY_TASK: "", TWOKEY_INTENT: "" });
    expect(code).toBe(2);
    expect(stderr).toContain("TWOKEY_TASK");
    expect(stderr).toContain("TWOKEY_INTENT");
  });

  test.each([
    ["its exit code", ["sh", "-c", "exit 7"], 7],
    ["128 and the number of the signal that ended it", ["sh", "-c", "kill -TERM $$"], 143],
    ["127 where there is no such command", ["no-such-command-anywhere"], 127],
    ["126 where it cannot be run", ["/"], 126],
  ])("it ends with %s", async (_name, command, code) => {
    expect((await run("twokey", ["exec", "--", ...command], here.env)).code).toBe(code);
  });

  test("arguments reach the command as they were, flags too", async () => {
    const args = ["--template", "a b", "$HOME", "--"];
    const command = [
      process.execPath,
      "-e",
      "console.log(JSON.stringify(process.argv.slice(1)))",
      "--",
      ...args,
    ];
    const { stdout } = await run("twokey", ["exec", "--", ...command], here.env);
    expect(JSON.parse(stdout)).toEqual(args);
  });

  test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)(
    "%s reaches the command, which decides how it ends",
    async (signal) => {
      const script = `
      process.on("${signal}", () => process.exit(9));
      setInterval(() => undefined, 1000);
      console.log("ready");
    `;
      const child = start("twokey", node(script), here.env);
      const end = ended(child);
      await once(child.stdout ?? child, "data");
      child.kill(signal);
      expect((await end).code).toBe(9);
    },
  );

  test.skipIf(!hasBoto3)(
    "a person's default profile and ~/.boto do not win over the session in boto3",
    async () => {
      const keys = "aws_access_key_id = AKIAHUMAN\naws_secret_access_key = human\n";
      mkdirSync(join(here.home, ".aws"));
      writeFileSync(join(here.home, ".aws/credentials"), `[default]\n${keys}`);
      writeFileSync(join(here.home, ".aws/config"), `[default]\n${keys}`);
      writeFileSync(join(here.home, ".boto"), `[Credentials]\n${keys}`);
      const script = "import boto3; print(boto3.Session().get_credentials().access_key)";
      const { stdout } = await run("twokey", ["exec", "--", PYTHON, "-c", script], { ...here.env, ...HUMAN });
      expect(stdout.trim()).toBe("ASIACANARY1");
    },
  );
});
