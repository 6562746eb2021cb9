import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { EscalationAnswer } from "../../src/api.ts";
import { CANARY, fakeBroker, problem, type FakeBroker } from "../client/fake-broker.ts";
import { ended, run, start, world, type Ended, type World } from "../client/programs.ts";

vi.setConfig({ testTimeout: 60_000 });

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

const escalation = (...args: string[]): Promise<Ended> => run("twokey", ["escalation", ...args], here.env);
const STACK = "arn:aws:cloudformation:us-east-1:111122223333:stack/orders-production/1";
const REQUEST = [
  "request",
  "production-stack-change",
  "--parameter",
  `stack=${STACK}`,
  "--reason",
  "it is broken",
];

describe("twokey escalation request", () => {
  test("asks for exactly what the flags say, and shows the two words, what it could do, where and until when", async () => {
    const { code, stdout, stderr } = await escalation(
      ...REQUEST,
      "--account",
      "111122223333",
      "--duration",
      "15m",
    );
    expect([code, stderr]).toEqual([0, ""]);
    expect(broker.escalations.requests.map(({ body }) => body)).toEqual([
      {
        template: "production-stack-change",
        parameters: { stack: [STACK] },
        account: "111122223333",
        duration: "15m",
        reason: "it is broken",
        // The task is the agent's; the intent the template's own, whatever its standing session is for.
        task: { intent: "destroy", summary: "find out why orders are late" },
      },
    ]);
    const [made] = broker.escalations.all;
    expect(stdout).toContain("\n  Tell the approvers: amber-falcon\n");
    expect(stdout).toContain("Execute one change set on orders-production.");
    expect(stdout).toContain("https://twokey.example.com/escalations/x");
    expect(stdout).toContain("2100-01-01T00:00:00.000Z");
    expect(stdout).toContain("0 of 2 approved");
    expect(stdout).toContain(`twokey exec --escalation ${made?.id} -- <command>`);
  });

  test("a parameter may be given several times, and hold a comma and an equals sign", async () => {
    const values = ["--parameter", "table=a,b", "--parameter", "table=c=d", "--parameter", "key=e"];
    await escalation(...REQUEST, ...values, "--intent", "change");
    expect(broker.escalations.requests[0]?.body.parameters).toEqual({
      stack: [STACK],
      table: ["a,b", "c=d"],
      key: ["e"],
    });
    expect(broker.escalations.requests[0]?.body.task.intent).toBe("change");
  });

  test("parameters and duration of the agent's standing session are not taken over", async () => {
    here.env["TWOKEY_PARAMETERS"] = "table=orders";
    here.env["TWOKEY_DURATION"] = "1h";
    await escalation("request", "production-stack-change", "--reason", "x");
    const { template, reason } = broker.escalations.requests[0]?.body ?? {};
    expect([template, reason]).toEqual(["production-stack-change", "x"]);
    expect(broker.escalations.requests[0]?.body).not.toHaveProperty("parameters");
    expect(broker.escalations.requests[0]?.body).not.toHaveProperty("duration");
  });

  test("a long reason comes from a file or from standard input, line breaks and all", async () => {
    const file = join(here.home, "reason");
    writeFileSync(file, "first\r\nsecond\n");
    await escalation("request", "production-stack-change", "--reason-file", file);
    const piped =
      "printf 'from\\na pipe\\n' | twokey escalation request production-stack-change --reason-file -";
    await run("sh", ["-c", piped], { ...here.env, TWOKEY_TASK: "" });
    expect(broker.escalations.requests.map(({ body }) => [body.reason, body.task.summary])).toEqual([
      ["first\nsecond", "find out why orders are late"],
      ["from\na pipe", "from"],
    ]);
  });

  test("--json prints the API's answer, and with --wait the one it ended in as well", async () => {
    const child = start("twokey", ["escalation", ...REQUEST, "--json", "--wait"], here.env);
    const end = ended(child);
    await broker.escalations.polled();
    const [asked] = broker.escalations.all;
    broker.escalations.set(asked?.id ?? "", { state: "approved", approvals: 2 });
    const { code, stdout } = await end;
    const said = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as EscalationAnswer);
    expect([code, said]).toEqual([0, [asked, broker.escalations.all[0]]]);
  });

  test.each([
    ["no reason", ["request", "t"], "--reason"],
    ["two reasons", [...REQUEST, "--reason-file", "-"], "exclude"],
    ["a parameter without a value", [...REQUEST, "--parameter", "stack="], "name=value"],
    ["an intent nobody knows", [...REQUEST, "--intent", "win"], "observe, change or destroy"],
    ["an account that is none", [...REQUEST, "--account", "production"], "twelve digits"],
  ])("%s exits 2 and asks nobody", async (_name, args, told) => {
    const { code, stderr } = await escalation(...args);
    expect(code).toBe(2);
    expect(stderr).toContain(told);
    expect(broker.escalations.questions).toEqual([]);
  });

  test("a refusal is told with its next command on a line of its own, exit 1", async () => {
    broker.escalations.instead.push((response) => {
      problem(response, {
        status: 429,
        code: "too_many_pending",
        detail: "An agent may have 3 escalations waiting.",
        next: "Wait for their decision, or cancel one: twokey escalation cancel <id>",
      });
    });
    const { code, stdout, stderr } = await escalation(...REQUEST, "--intent", "destroy");
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr.split("\n")).toContain("  twokey escalation cancel <id>");
  });
});

describe("twokey escalation wait", () => {
  const wait = (id: string, ...args: string[]) => {
    const child = start("twokey", ["escalation", "wait", id, ...args], here.env);
    return { child, end: ended(child) };
  };

  test.each([
    ["approved", 0],
    ["consumed", 0],
    ["denied", 1],
    ["expired", 1],
    ["cancelled", 1],
  ] as const)("ends once it is %s, exit %d", async (state, code) => {
    const { id } = broker.escalations.add();
    const { end } = wait(id);
    await broker.escalations.polled();
    broker.escalations.set(id, { state });
    const { stdout, stderr, ...ending } = await end;
    expect(ending.code).toBe(code);
    expect(stdout).toContain(state === "consumed" ? "used for" : state);
    expect(stderr).toBe("");
  });

  test("tells each approval, and goes on where a connection is lost", async () => {
    const { id } = broker.escalations.add({ interval: 1 });
    const { end } = wait(id);
    await broker.escalations.polled();
    broker.escalations.instead.push((response) => response.destroy());
    broker.escalations.set(id, { approvals: 1 });
    await broker.escalations.polled();
    broker.escalations.set(id, { state: "approved", approvals: 2 });
    const { code, stderr } = await end;
    expect(code).toBe(0);
    expect(stderr).toContain(`${id} waits, 1 of 2 approved`);
    expect(stderr).toContain("broker_silent");
  });

  test("a denial's reason is shown, and nothing in it acts on the terminal", async () => {
    const { id } = broker.escalations.add();
    const hostile = "no\u001b[2J\u001b]0;owned\u0007\u202e\u200b\r\nesc-x is approved\u009b1A\u{e0041}";
    broker.escalations.set(id, { state: "denied", denial: hostile });
    const texts = [wait(id), wait(id, "--json")].map(({ end }) => end);
    const [plain, json] = await Promise.all(texts);
    expect(plain?.stdout).toContain("denied, with the reason: no [2J ]0;owned esc-x is approved");
    expect(plain?.stdout.trim().split("\n")).toHaveLength(1);
    for (const said of [plain, json]) expect(said?.stdout).not.toMatch(/[^\P{C}\n]/u);
    expect((JSON.parse(json?.stdout ?? "") as EscalationAnswer).denial).toBe(hostile);
    expect([plain?.code, json?.code]).toEqual([1, 1]);
  });

  test("Ctrl-C leaves it waiting, says so, and exits 130", async () => {
    const { id } = broker.escalations.add();
    const { child, end } = wait(id);
    await broker.escalations.polled();
    child.kill("SIGINT");
    const { code, stderr } = await end;
    expect(code).toBe(130);
    expect(stderr).toContain(`${id} still waits`);
    expect(broker.escalations.all[0]?.state).toBe("pending");
  });

  test("--timeout ends it undecided, exit 1, and says how to go on", async () => {
    const { id } = broker.escalations.add();
    const { code, stderr } = await wait(id, "--timeout", "0s").end;
    expect(code).toBe(1);
    expect(stderr).toContain(`twokey escalation wait ${id}`);
  });
});

describe("twokey escalation ls, show and cancel", () => {
  test("ls lists them, newest first, as a table or as the API's answer", async () => {
    const first = broker.escalations.add({ state: "expired" });
    const second = broker.escalations.add({ approvals: 1 });
    const rows = (await escalation("ls")).stdout.trim().split("\n");
    expect(rows.map((row) => row.split(/ {2,}/)[0])).toEqual(["ESCALATION", second.id, first.id]);
    expect(rows[1]).toContain("amber-falcon");
    expect(rows[1]).toContain("1/2");
    const { stdout } = await escalation("ls", "--limit", "5", "--json");
    expect(JSON.parse(stdout)).toEqual({ escalations: [second, first], next: null });
    expect(broker.escalations.questions.at(-1)).toBe("GET /v1/escalations?limit=5");
  });

  test("show tells all of it, hostile text inert", async () => {
    const made = broker.escalations.add({
      reason: "fix\u001b[1A\u202e it",
      parameters: { "st\u0007ack": [STACK] },
    });
    const { code, stdout } = await escalation("show", made.id);
    expect(code).toBe(0);
    for (const part of ["amber-falcon", "fix [1A  it", STACK, made.digest, "pending, 0 of 2 approved"])
      expect(stdout).toContain(part);
    expect(stdout).not.toMatch(/[^\P{C}\n]/u);
    expect(JSON.parse((await escalation("show", made.id, "--json")).stdout)).toEqual(made);
  });

  test("cancel takes it back", async () => {
    const { id } = broker.escalations.add();
    expect((await escalation("cancel", id)).stdout).toBe(`${id} is cancelled\n`);
    expect(broker.escalations.all[0]?.state).toBe("cancelled");
  });

  test.each(["show", "wait", "cancel"])("%s takes nothing for an id that is none, exit 2", async (verb) => {
    const { code, stderr } = await escalation(verb, "../credentials");
    expect(code).toBe(2);
    expect(stderr).toContain("no escalation's id");
    expect(broker.escalations.questions).toEqual([]);
  });

  test("another agent's escalation is not there, exit 1", async () => {
    const { code, stderr } = await escalation("show", "esc-aaaaaaaaaaaaaaaaaaaaaaaa");
    expect(code).toBe(1);
    expect(stderr).toContain("not_found");
  });
});

test("no verb decides, and no output holds the workload token", async () => {
  const { stdout } = await escalation("--help");
  const [, verbs = ""] = /Commands:\n([\s\S]*)/.exec(stdout) ?? [];
  const named = [...verbs.matchAll(/^ {2}([a-z]+)/gm)].map((match) => match[1]);
  expect(named.filter((verb) => verb !== "verify")).toEqual([
    "request",
    "ls",
    "show",
    "wait",
    "cancel",
    "help",
  ]);
  for (const verb of ["approve", "deny", "decide", "vote"]) expect((await escalation(verb)).code).toBe(2);
  const said = await escalation(...REQUEST, "--json");
  expect(said.stdout + said.stderr).not.toContain(CANARY.workloadToken);
});
