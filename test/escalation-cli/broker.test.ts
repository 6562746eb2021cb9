/** The command line against a whole broker: an agent's operator asks, two people decide, the command runs. */
import type { ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { EscalationAnswer } from "../../src/api.ts";
import { enrolApprover, invitationLink, type Approver } from "../../src/cli/demo/approver.ts";
import { escalationCommand } from "../../src/cli/escalation.ts";
import type { Config } from "../../src/config.ts";
import { ended, run, start, world, type Ended, type World } from "../client/programs.ts";
import { tableEscalation } from "../support/table-escalation.ts";
import { send, startTestBroker, type TestBroker } from "../support/test-broker.ts";

vi.setConfig({ testTimeout: 60_000 });

const CLEAR_TABLE = tableEscalation("clear-table");

function withTemplate(config: Config): Config {
  const edit = (name: string, from: string, to: string): void => {
    const path = join(config.policies, name);
    writeFileSync(path, readFileSync(path, "utf8").replaceAll(from, to));
  };
  writeFileSync(join(config.policies, "templates", "clear-table.yaml"), CLEAR_TABLE);
  edit("approvals.yaml", "[production-stack-change]", "[production-stack-change, clear-table]");
  edit("agents.yaml", "templates: [", "templates: [clear-table, ");
  return config;
}

let running: TestBroker;
let here: World;
let people: readonly Approver[];
let config: Config;
const data = mkdtempSync(join(tmpdir(), "twokey-data-"));

beforeAll(async () => {
  running = await startTestBroker((given) => {
    config = { ...withTemplate(given), store: { url: null, folder: data } };
    return config;
  });
  here = world(running);
  people = [await approver("platform-engineer"), await approver("security-engineer")];
});
afterAll(async () => {
  await running.close();
  rmSync(here.home, { recursive: true, force: true });
  rmSync(data, { recursive: true, force: true });
});

const approver = async (person: string): Promise<Approver> =>
  enrolApprover(running.broker, await invitationLink(running.broker, person));

/** A fresh proof for each command, as a key file would make it. */
const env = async (): Promise<Record<string, string>> => ({
  ...here.env,
  TWOKEY_URL: running.url,
  TWOKEY_TOKEN: await running.agent.token(),
});
const twokey = async (...args: string[]): Promise<Ended> => run("twokey", args, await env());
const begin = async (...args: string[]): Promise<Promise<Ended>> => ended(start("twokey", args, await env()));

const table = (name: string): string => `arn:aws:dynamodb:us-east-1:111122223333:table/${name}`;
const shown = async (id: string): Promise<EscalationAnswer> =>
  JSON.parse((await twokey("escalation", "show", id, "--json")).stdout) as EscalationAnswer;
const request = async (name: string): Promise<EscalationAnswer> => {
  const args = ["--parameter", `table=${table(name)}`, "--reason", "a bad import", "--json"];
  return JSON.parse(
    (await twokey("escalation", "request", "clear-table", ...args)).stdout,
  ) as EscalationAnswer;
};
const decide = async (escalation: EscalationAnswer, verdict: "approve" | "deny", reason?: string) => {
  const answers = [];
  for (const person of verdict === "approve" ? people : people.slice(0, 1))
    answers.push((await person.decide(escalation, verdict, reason)).status);
  return answers;
};
/** Resolves once the child has said it on standard error. */
const said = async (child: ChildProcess, pattern: RegExp): Promise<RegExpExecArray> =>
  new Promise((resolve) => {
    let text = "";
    child.stderr?.on("data", (chunk: Buffer) => {
      const match = pattern.exec((text += chunk.toString()));
      if (match !== null) resolve(match);
    });
  });
const PRINT_KEY = `
  const token = require("node:fs").readFileSync(process.env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, "utf8");
  fetch(process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI, { headers: { authorization: token } })
    .then((answer) => answer.json()).then((answer) => console.log(answer.AccessKeyId))`;

test("from the refusal to the session: the command it shows asks, two people approve, and exec runs once", async () => {
  const standing = [
    "--template",
    "clear-table",
    "--parameters",
    `table=${table("orders")}`,
    "--intent",
    "destroy",
  ];
  const refused = await twokey("exec", ...standing, "--", "true");
  expect(refused.code).toBe(1);
  const command = refused.stderr.split("\n").find((line) => line.startsWith("  twokey escalation request"));
  expect(command).toContain(`--parameter table=${table("orders")}`);

  const asked = await run("sh", ["-c", `${command} --json`], await env());
  const escalation = JSON.parse(asked.stdout) as EscalationAnswer;
  expect(escalation).toMatchObject({ state: "pending", template: "clear-table", reason: "why" });

  const waiting = begin("escalation", "wait", escalation.id);
  expect(await decide(escalation, "approve")).toEqual([200, 200]);
  expect((await waiting).code).toBe(0);

  const use = ["exec", "--escalation", escalation.id, "--", process.execPath, "-e", PRINT_KEY];
  const used = await twokey(...use);
  expect([used.code, used.stdout]).toEqual([0, expect.stringMatching(/^ASIA\w+\n$/)]);
  const again = await twokey(...use);
  expect([again.code, again.stdout]).toEqual([1, ""]);
  expect(again.stderr).toContain(`${escalation.id} is used for session tks-`);
});

test("exec --escalate waits for two people and runs with their session", async () => {
  const args = [
    "--escalate",
    "clear-table",
    "--parameter",
    `table=${table("late")}`,
    "--reason",
    "late orders",
  ];
  const child = start("twokey", ["exec", ...args, "--", process.execPath, "-e", PRINT_KEY], await env());
  const end = ended(child);
  const [id = ""] = await said(child, /esc-[a-z2-7]{24}/);
  const escalation = await shown(id);
  expect(await decide(escalation, "approve")).toEqual([200, 200]);
  const { code, stdout, stderr } = await end;
  expect([code, stdout]).toEqual([0, expect.stringMatching(/^ASIA\w+\n$/)]);
  expect(stderr).toContain(`Tell the approvers: ${escalation.code}`);
});

test("a wait lives through a restart of the broker", async () => {
  const escalation = await request("restart");
  const child = start("twokey", ["escalation", "wait", escalation.id], await env());
  const end = ended(child);
  // Whatever its first poll meets, it tells: the answer of a broker that stops, or that nothing answered.
  const told = said(child, /\n/);
  const port = Number(new URL(running.url).port);
  const { agent } = running;
  await running.close();
  await told;
  const next = await startTestBroker(() => ({ ...config, listen: { host: "127.0.0.1", port } }));
  running = { ...next, agent };
  expect(await decide(escalation, "approve")).toEqual([200, 200]);
  expect((await end).code).toBe(0);
  await twokey("escalation", "cancel", escalation.id);
});

test("a cancelled escalation cannot be approved or used", async () => {
  const escalation = await request("cancelled");
  expect((await twokey("escalation", "cancel", escalation.id)).code).toBe(0);
  expect(await decide(escalation, "approve")).toEqual([409, 409]);
  expect((await twokey("exec", "--escalation", escalation.id, "--", "true")).code).toBe(1);
});

describe("case 31: the command line and the agent's token cannot decide", () => {
  test("case 31: the command line has no verb that decides", async () => {
    const verbs = (await escalationCommand([])).commands.map((verb) => verb.name());
    expect(
      verbs.filter((verb) => !["request", "ls", "show", "wait", "cancel", "verify"].includes(verb)),
    ).toEqual([]);
  });

  test("case 31: the agent's token on the decision routes is refused, and nothing is decided", async () => {
    const escalation = await request("own-vote");
    const { id, digest } = escalation;
    const body = { escalation: id, digest, verdict: "approve", nonce: "n", assertion: {} };
    for (const path of ["/v1/decisions/options", "/v1/decisions"]) {
      const headers = {
        authorization: `Bearer ${await running.agent.token()}`,
        "content-type": "application/json",
        origin: running.broker.origin,
      };
      const { status } = await send(running.url, "POST", path, headers, JSON.stringify(body));
      expect([401, 403]).toContain(status);
    }
    expect(await shown(id)).toMatchObject({ state: "pending", approvals: 0 });
  });
});

// The last one: after a denial the template cannot be asked for again at once.
test("a denial is told with its reason, in which nothing acts on the terminal", async () => {
  const escalation = await request("denied");
  expect(await decide(escalation, "deny", "use the \u202erunbook\u200b")).toEqual([200]);
  const { code, stdout } = await twokey("escalation", "wait", escalation.id);
  expect([code, stdout]).toEqual([1, `${escalation.id} is denied, with the reason: use the  runbook\n`]);
});
