/** `twokey freeze` and `twokey thaw` as an operator runs them, against a whole broker. */
import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import type { FreezeAnswer, FreezesAnswer } from "../../src/api.ts";
import { ended, run, start, world as shell, type Ended, type World } from "../client/programs.ts";
import { firstAdministrator, invited, type Browser } from "../humans/world.ts";
import { ask } from "../support/test-broker.ts";
import { startFreezeWorld, thawAs, type FreezeWorld } from "./world.ts";

vi.setConfig({ testTimeout: 60_000 });

let world: FreezeWorld;
let here: World;
let administrators: readonly Browser[];
beforeAll(async () => {
  world = await startFreezeWorld();
  const platform = await firstAdministrator(world);
  administrators = [platform, await invited(platform, "security-engineer")];
  here = shell(world);
  here.env["TWOKEY_OPERATOR_TOKEN_FILE"] = world.tokenFile;
});
afterAll(async () => {
  await world.close();
  rmSync(here.home, { recursive: true, force: true });
});
const frozenNow = async (): Promise<FreezesAnswer["freezes"]> =>
  ((await world.operator("GET")).json as unknown as FreezesAnswer).freezes;
afterEach(async () => {
  for (const { kind, name } of await frozenNow())
    for (const browser of kind === "all" ? administrators : administrators.slice(0, 1))
      await thawAs(browser, name === null ? { kind } : { kind, name });
});

const twokey = (args: readonly string[], env: Record<string, string> = {}): Promise<Ended> =>
  run("twokey", args, { ...here.env, ...env });

test("freeze agent: holds in the record, says what AWS has not taken and how to look again, and exits 0", async () => {
  const id = ((await ask(world)).json["session"] as { readonly id: string }).id;
  const { code, stdout, stderr } = await twokey([
    "freeze",
    "agent",
    "orders-ci",
    "--reason",
    "it deleted a table",
  ]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/^agent orders-ci is frozen since \d{4}-\S+Z, entry \d+ of the audit log\.\n/);
  expect(stdout).toContain("nothing of it is minted or delivered, on any broker");
  expect(stdout).toContain(id);
  expect(stdout).toContain("within seconds to minutes");
  expect(stdout).toMatch(/ {2}arn:aws:iam::\S+ {2}NOT in force: /);
  expect(stdout).toContain(
    "AWS has not taken 1 of 1 yet; the broker goes on trying. Look again: twokey freeze ls\n",
  );
  expect(stdout).toContain(`${world.origin}/sessions`);
  expect(await frozenNow()).toMatchObject([
    { name: "orders-ci", reason: "it deleted a table", by: "operator" },
  ]);
  expect((await ask(world)).json["code"]).toBe("frozen");

  const listed = await twokey(["freeze", "ls"]);
  expect([listed.code, listed.stderr]).toEqual([0, ""]);
  expect(listed.stdout).toMatch(/^agent orders-ci {2}since \S+Z by an operator: it deleted a table\n/);
  expect(listed.stdout).toContain("NOT in force: ");
});

test("freeze session, template and all freeze exactly that, and --json is the API's answer", async () => {
  const id = ((await ask(world)).json["session"] as { readonly id: string }).id;
  for (const args of [["session", id], ["template", "observe"], ["all"]]) {
    const { code, stdout } = await twokey(["freeze", ...args, "--json"]);
    expect(code).toBe(0);
    const { freeze } = JSON.parse(stdout) as FreezeAnswer;
    expect([freeze.kind, freeze.name]).toEqual([args[0], args[1] ?? null]);
  }
  const { stdout } = await twokey(["freeze", "ls", "--json"]);
  expect((JSON.parse(stdout) as FreezesAnswer).freezes.map(({ kind }) => kind)).toEqual([
    "all",
    "template",
    "session",
  ]);
});

test("a misspelt name exits 1, says that nothing was frozen, and nothing is", async () => {
  const { code, stdout, stderr } = await twokey(["freeze", "agent", "orders-c1"]);
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toContain("Nothing was frozen");
  expect(await frozenNow()).toEqual([]);
});

test("a token that others may read is refused before it is sent, and so is none or a wrong one", async () => {
  const file = join(here.home, "token");
  writeFileSync(file, `${world.token}\n`, { mode: 0o600 });
  expect((await twokey(["freeze", "ls", "--token-file", file])).code).toBe(0);
  chmodSync(file, 0o640);
  const open = await twokey(["freeze", "all", "--token-file", file]);
  expect([open.code, open.stderr]).toEqual([2, expect.stringContaining("others may read it")]);
  const none = await twokey(["freeze", "all"], { TWOKEY_OPERATOR_TOKEN_FILE: join(here.home, "none") });
  expect([none.code, none.stderr]).toEqual([2, expect.stringContaining("ENOENT")]);
  chmodSync(file, 0o600);
  writeFileSync(file, "x".repeat(43));
  const wrong = await twokey(["freeze", "all", "--token-file", file]);
  expect([wrong.code, wrong.stderr]).toEqual([1, expect.stringContaining("operator_refused")]);
  for (const { stdout, stderr } of [open, none, wrong]) expect(stdout + stderr).not.toContain(world.token);
  expect(await frozenNow()).toEqual([]);
});

test("the token does not cross a network in the clear, and --broker wins over TWOKEY_URL", async () => {
  const clear = await twokey(["freeze", "all", "--broker", "http://twokey.example.com"]);
  expect([clear.code, clear.stderr]).toEqual([
    2,
    expect.stringContaining("--broker (or TWOKEY_URL) must be https"),
  ]);
  const here2 = await twokey(["freeze", "ls", "--broker", world.url], { TWOKEY_URL: "http://127.0.0.1:1" });
  expect(here2.code).toBe(0);
});

test("what somebody wrote as a reason cannot act on the terminal", async () => {
  await world.operator("POST", { kind: "template", name: "observe", reason: "\u202e\u200bgnp" });
  for (const args of [[], ["--json"]]) {
    const { stdout } = await twokey(["freeze", "ls", ...args]);
    expect(stdout).toContain("gnp");
    expect(stdout).not.toMatch(/[\u202e\u200b]/);
  }
});

test("thaw says where and who, waits, and ends when two administrators have thawed", async () => {
  await world.operator("POST", { kind: "all" });
  const child = start("twokey", ["thaw", "all"], here.env);
  const told = new Promise<string>((resolve) =>
    child.stdout?.once("data", (chunk: Buffer) => {
      resolve(chunk.toString());
    }),
  );
  const end = ended(child);
  const first = await told;
  expect(first).toContain("The operators' token cannot thaw.");
  expect(first).toContain(
    "Two administrators thaw it, each with a passkey, the second within an hour of the first.",
  );
  expect(first).toContain(`${world.origin}/sessions`);
  for (const browser of administrators) expect((await thawAs(browser, { kind: "all" })).status).toBe(200);
  const { code, stdout } = await end;
  expect([code, stdout.endsWith("everything is thawed.\n")]).toEqual([0, true]);
});

test("thaw --no-wait ends at once and thaws nothing; of what is not frozen it exits 1", async () => {
  await world.operator("POST", { kind: "agent", name: "orders-ci" });
  const { code, stdout, stderr } = await twokey(["thaw", "agent", "orders-ci", "--no-wait", "--json"]);
  expect([code, (JSON.parse(stdout) as FreezesAnswer).freezes]).toMatchObject([0, [{ name: "orders-ci" }]]);
  expect(stderr).toContain("An administrator who does not own the agent behind it");
  expect(await frozenNow()).toHaveLength(1);
  const other = await twokey(["thaw", "agent", "billing-ci"]);
  expect([other.code, other.stderr]).toEqual([1, expect.stringContaining("agent billing-ci is not frozen")]);
});

test("a broker that is not there, and a wrong line, are said with their own codes", async () => {
  const gone = await twokey(["freeze", "all", "--broker", "http://127.0.0.1:1"]);
  expect([gone.code, gone.stderr]).toEqual([1, expect.stringContaining("Nothing listens")]);
  for (const args of [
    ["freeze"],
    ["freeze", "agent"],
    ["freeze", "all", "x"],
    ["freeze", "role", "x"],
    ["thaw"],
  ])
    expect([args, (await twokey(args)).code]).toEqual([args, 2]);
});
