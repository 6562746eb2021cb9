import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { dirname, join } from "node:path";
import { spawnSync } from "node:child_process";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CANARY, fakeBroker, REFUSAL, refuse, type FakeBroker } from "./fake-broker.ts";
import { ended, run, serve, start, world, type World } from "./programs.ts";

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

const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);
const credentialProcess = (args: readonly string[] = [], env: Record<string, string> = {}) =>
  run("twokey", ["credential-process", ...args], { ...here.env, ...env });

describe("twokey agent serve", () => {
  test("the files it writes are private and it takes them away when it is stopped", async () => {
    const envFile = join(here.home, "deep/demo.env");
    const agent = await serve(here, ["--write-env", envFile]);
    const files = [agent.token_file, agent.state_file, envFile];
    expect(files.map(mode)).toEqual(["600", "600", "600"]);
    expect(files.map(dirname).map(mode)).toEqual(["700", "700", "700"]);
    expect(agent.state_file).toBe(join(here.home, ".twokey/agent-twokey.json"));
    expect(readFileSync(agent.token_file, "utf8")).toMatch(/^[\w-]{43}$/);
    const exported = readFileSync(envFile, "utf8");
    expect(exported).toContain(`export AWS_CONTAINER_CREDENTIALS_FULL_URI=${agent.url}\n`);
    expect(exported).toContain(`export AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=${agent.token_file}\n`);
    expect((await agent.stop()).code).toBe(0);
    expect(files.map((file) => existsSync(file))).toEqual([false, false, false]);
    expect(existsSync(dirname(agent.token_file))).toBe(false);
  });

  test("case 50: no secret is in what it prints or in any file it writes but the token's", async () => {
    const envFile = join(here.home, "demo.env");
    const agent = await serve(here, ["--write-env", envFile]);
    const token = readFileSync(agent.token_file, "utf8");
    const answer = await fetch(agent.url, { headers: { authorization: token } });
    expect(await answer.text()).toContain(CANARY.secretAccessKey);
    const files = [envFile, agent.state_file].map((file) => readFileSync(file, "utf8"));
    const { stdout, stderr } = await agent.stop();
    expect(stderr).toContain("session tks-");
    for (const text of [stdout, stderr, ...files]) {
      expect(text).not.toContain("canary");
      expect(text).not.toContain(token);
    }
  });

  test("a refusal at the start ends it with the reason and exit 1", async () => {
    refuse(broker);
    expect(await run("twokey", ["agent", "serve"], here.env)).toEqual({
      code: 1,
      stdout: "",
      stderr: `twokey: ${REFUSAL.detail} (${REFUSAL.code}) Next: ${REFUSAL.next}\n`,
    });
  });

  test("a signal during the first fetch ends it at once", async () => {
    const child = start("twokey", ["agent", "serve"], here.env);
    broker.instead = () => child.kill("SIGTERM");
    expect(await ended(child)).toEqual({ code: 1, stdout: "", stderr: "" });
  });

  test("a link planted where the token goes is replaced, not followed", async () => {
    const [precious, planted] = [join(here.home, "precious"), join(here.home, "token")];
    writeFileSync(precious, "kept");
    symlinkSync(precious, planted);
    const agent = await serve(here, ["--token-file", planted]);
    expect(readFileSync(precious, "utf8")).toBe("kept");
    expect(mode(planted)).toBe("600");
    await agent.stop();
  });

  test("a token file in a folder that others may write is refused", async () => {
    const open = join(here.home, "open");
    mkdirSync(open);
    chmodSync(open, 0o777);
    const { code, stderr } = await run(
      "twokey",
      ["agent", "serve", "--token-file", join(open, "t")],
      here.env,
    );
    expect(code).toBe(1);
    expect(stderr).toContain("other users");
  });
});

describe("twokey credential-process", () => {
  const EXACT = ["Version", "AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration"];

  test("without an agent it asks the broker and prints exactly the five fields", async () => {
    const { code, stdout, stderr } = await credentialProcess();
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const printed = JSON.parse(stdout) as Record<string, unknown>;
    expect(Object.keys(printed)).toEqual(EXACT);
    expect(printed).toMatchObject({
      Version: 1,
      AccessKeyId: "ASIACANARY1",
      SessionToken: CANARY.sessionToken,
    });
    expect(printed["Expiration"]).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  });

  test("a warm agent is asked first, needs no setting but the profile, and costs the broker nothing", async () => {
    const agent = await serve(here, ["--profile", "orders"]);
    const { HOME = "", PATH = "" } = here.env;
    for (let use = 0; use < 3; use += 1) {
      const said = await run("twokey", ["credential-process", "--profile", "orders"], { HOME, PATH });
      const printed = JSON.parse(said.stdout) as Record<string, unknown>;
      expect(Object.keys(printed)).toEqual(EXACT);
      expect(printed).toMatchObject({ AccessKeyId: "ASIACANARY1", SecretAccessKey: CANARY.secretAccessKey });
    }
    expect(broker.asked).toHaveLength(1);
    await agent.stop();
  });

  test.each([
    ["template", ["--template", "staging-deploy"]],
    ["account", ["--account", "444455556666"]],
    ["parameters", ["--parameters", "stack=orders"]],
    ["intent", ["--intent", "destroy"]],
    ["profile", ["--profile", "other"]],
  ])("a warm agent that serves another %s is passed over", async (_name, flags) => {
    const agent = await serve(here);
    expect(JSON.parse((await credentialProcess(flags)).stdout)).toMatchObject({ AccessKeyId: "ASIACANARY2" });
    await agent.stop();
  });

  test("a state file that others could have written, or that names a host and no loopback address, is passed over", async () => {
    const agent = await serve(here);
    chmodSync(agent.state_file, 0o644);
    expect(JSON.parse((await credentialProcess()).stdout)).toMatchObject({ AccessKeyId: "ASIACANARY2" });
    chmodSync(agent.state_file, 0o600);
    const state = readFileSync(agent.state_file, "utf8");
    writeFileSync(agent.state_file, state.replace("127.0.0.1", "localhost"));
    expect(JSON.parse((await credentialProcess()).stdout)).toMatchObject({ AccessKeyId: "ASIACANARY3" });
    await agent.stop();
  });

  test("a state file left by a killed agent is passed over", async () => {
    const agent = await serve(here);
    agent.child.kill("SIGKILL");
    await agent.stop();
    expect(existsSync(agent.state_file)).toBe(true);
    expect(JSON.parse((await credentialProcess()).stdout)).toMatchObject({ AccessKeyId: "ASIACANARY2" });
  });

  test("a refusal is one paragraph on stderr, nothing on stdout, exit 1", async () => {
    refuse(broker);
    expect(await credentialProcess()).toEqual({
      code: 1,
      stdout: "",
      stderr: `twokey: ${REFUSAL.detail} (${REFUSAL.code}) Next: ${REFUSAL.next}\n`,
    });
  });

  test.skipIf(spawnSync("openssl", ["version"]).status !== 0)(
    "a broker whose certificate cannot be trusted gets no token, even with NODE_TLS_REJECT_UNAUTHORIZED=0",
    async () => {
      const [key, cert] = [join(here.home, "key.pem"), join(here.home, "cert.pem")];
      const make = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=127.0.0.1";
      spawnSync("openssl", [...make.split(" "), "-keyout", key, "-out", cert]);
      let requests = 0;
      const server = createServer(
        { key: readFileSync(key), cert: readFileSync(cert) },
        (_request, response) => {
          requests += 1;
          response.end();
        },
      );
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      const url = `https://127.0.0.1:${(server.address() as AddressInfo).port}`;
      const said = await credentialProcess(["--url", url], { NODE_TLS_REJECT_UNAUTHORIZED: "0" });
      expect([said.code, said.stdout, requests]).toEqual([1, "", 0]);
      expect(said.stderr).toContain("SELF_SIGNED_CERT");
      await new Promise((resolve) => server.close(resolve));
    },
  );

  test("faults in its settings exit 2 with nothing on stdout; a profile cannot leave its folder", async () => {
    for (const args of [["--intent", "x"], ["--unknown"], ["--profile", "../x"], ["word"]]) {
      const { code, stdout, stderr } = await credentialProcess(args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
      expect(stderr).toMatch(/^twokey: /);
    }
  });

  test("--help tells every flag and its variable", async () => {
    const { code, stdout } = await credentialProcess(["--help"]);
    expect(code).toBe(0);
    for (const word of ["--template", "TWOKEY_TEMPLATE", "--agent-key", "--profile"])
      expect(stdout).toContain(word);
  });
});
