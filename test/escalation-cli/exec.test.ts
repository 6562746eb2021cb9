import { existsSync, rmSync } from "node:fs";
import { once } from "node:events";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { CANARY, fakeBroker, problem, type FakeBroker } from "../client/fake-broker.ts";
import { ended, run, start, world, type World } from "../client/programs.ts";

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

const ESCALATE = ["--escalate", "production-stack-change", "--reason", "it is broken"];
const exec = (args: readonly string[], script: string) => {
  const child = start("twokey", ["exec", ...args, "--", process.execPath, "-e", script], here.env);
  return { child, end: ended(child) };
};
/** Leaves a file behind, by which a test knows that it ran. */
const mark = (): { readonly file: string; readonly script: string } => {
  const file = join(here.home, "ran");
  return { file, script: `require("node:fs").writeFileSync(${JSON.stringify(file)}, "")` };
};
/** Asks its endpoint as an SDK does, twice. */
const USE_SESSION = `
  const token = require("node:fs").readFileSync(process.env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, "utf8");
  const ask = () => fetch(process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI, { headers: { authorization: token } });
  (async () => {
    const keys = [await (await ask()).json(), await (await ask()).json()].map((answer) => answer.AccessKeyId);
    console.log(keys.join(" "));
    process.exit(7);
  })();`;

describe("twokey exec --escalate", () => {
  test("asks, waits, and runs the command with the one session of the grant; its exit code is the command's", async () => {
    // As short as can be: a standing session would be renewed at the command's second look.
    broker.lifetime = 30;
    const { end } = exec(ESCALATE, USE_SESSION);
    await broker.escalations.polled();
    expect(broker.asked).toEqual([]);
    const id = broker.escalations.all[0]?.id ?? "";
    broker.escalations.set(id, { state: "approved", approvals: 2 });
    const { code, stdout, stderr } = await end;
    expect([code, stdout]).toEqual([7, "ASIACANARY1 ASIACANARY1\n"]);
    expect(broker.asked.map(({ request }) => request)).toEqual([{ escalation: id }]);
    expect(stderr).toContain("Tell the approvers: amber-falcon");
    expect(stderr).not.toContain(CANARY.secretAccessKey);
  });

  test.each(["denied", "expired", "cancelled", "consumed"] as const)(
    "the command never runs where it is %s: exit 1, with the reason",
    async (state) => {
      const { file, script } = mark();
      const { end } = exec(ESCALATE, script);
      await broker.escalations.polled();
      const denial = state === "denied" ? "use\u001b[2J the runbook" : null;
      broker.escalations.set(broker.escalations.all[0]?.id ?? "", { state, denial });
      const { code, stdout, stderr } = await end;
      expect([code, stdout, existsSync(file), broker.asked]).toEqual([1, "", false, []]);
      expect(stderr).toContain(
        state === "denied" ? "use [2J the runbook" : state === "consumed" ? "used" : state,
      );
      expect(stderr).not.toContain("\u001b");
    },
  );

  test("the command never runs where the grant cannot be collected", async () => {
    const { file, script } = mark();
    const { id } = broker.escalations.add({ state: "approved" });
    broker.instead = (response) => {
      problem(response, { status: 409, code: "policy_changed", detail: "The policy changed." });
    };
    const { code, stderr } = await exec(["--escalation", id], script).end;
    expect([code, existsSync(file)]).toEqual([1, false]);
    expect(stderr).toContain("policy_changed");
    expect(broker.asked).toHaveLength(1);
  });

  test("Ctrl-C while waiting takes back what the command asked for, exit 130, and the command never runs", async () => {
    const { file, script } = mark();
    const { child, end } = exec(ESCALATE, script);
    await broker.escalations.polled();
    child.kill("SIGINT");
    const { code, stderr } = await end;
    expect([code, existsSync(file)]).toEqual([130, false]);
    expect(stderr).toContain("is cancelled");
    expect(broker.escalations.all.map(({ state }) => state)).toEqual(["cancelled"]);
  });

  test("Ctrl-C leaves what the command joined as it was", async () => {
    const { id } = broker.escalations.add();
    const { child, end } = exec(ESCALATE, "0");
    await broker.escalations.polled();
    child.kill("SIGINT");
    const { code, stderr } = await end;
    expect(code).toBe(130);
    expect(stderr).toContain(`twokey escalation cancel ${id}`);
    expect(broker.escalations.all.map(({ state }) => state)).toEqual(["pending"]);
  });

  test("--escalation waits for one that was asked for, and asks for none; Ctrl-C leaves it", async () => {
    const { id } = broker.escalations.add();
    const { child, end } = exec(["--escalation", id], "0");
    await broker.escalations.polled();
    child.kill("SIGINT");
    expect((await end).code).toBe(130);
    expect(broker.escalations.requests).toEqual([]);
    expect(broker.escalations.all[0]?.state).toBe("pending");
  });

  test("a signal after the approval is the command's", async () => {
    const { id } = broker.escalations.add({ state: "approved" });
    const script = `process.on("SIGTERM", () => process.exit(9)); setInterval(() => 0, 1000); console.log("ready");`;
    const { child, end } = exec(["--escalation", id], script);
    await once(child.stdout ?? child, "data");
    child.kill("SIGTERM");
    expect((await end).code).toBe(9);
    expect(broker.escalations.questions.filter((question) => question.startsWith("POST"))).toEqual([]);
  });

  test.each([
    ["no reason", ["--escalate", "t"], "--reason"],
    ["a standing template beside it", [...ESCALATE, "--template", "observe"], "--parameter"],
    ["both ways", [...ESCALATE, "--escalation", "esc-aaaaaaaaaaaaaaaaaaaaaaaa"], "exclude"],
  ])("%s exits 2 and asks nobody", async (_name, args, told) => {
    const { code, stderr } = await exec(args, "0").end;
    expect(code).toBe(2);
    expect(stderr).toContain(told);
    expect(broker.escalations.questions).toEqual([]);
  });
});

describe("a refusal that people can lift", () => {
  test.each([
    ["exec", ["exec", "--", "true"]],
    ["credential-process", ["credential-process"]],
    ["agent serve", ["agent", "serve"]],
  ])("%s shows the command that asks them, alone on its line", async (_name, args) => {
    const command = 'twokey escalation request data-repair --parameter table=orders --reason "why"';
    broker.instead = (response) => {
      const next = `Ask them: ${command}`;
      problem(response, {
        status: 403,
        code: "escalation_required",
        detail: "Two people must approve.",
        next,
      });
    };
    const { code, stdout, stderr } = await run("twokey", args, here.env);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr.split("\n")).toEqual([
      "twokey: Two people must approve. (escalation_required)",
      "Ask them:",
      `  ${command}`,
      "",
    ]);
  });
});
