/** `twokey init` and `twokey policy check`, run as people run them. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BUNDLE } from "../support/bundle.ts";
import { replaceOnce } from "./fixture.ts";

const REPOSITORY = join(import.meta.dirname, "..", "..");
interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

let root: string;
const twokey = (...words: string[]): Promise<Run> =>
  new Promise((resolve) => {
    const child = execFile(process.execPath, [BUNDLE, ...words], { cwd: REPOSITORY }, (_, out, err) => {
      resolve({ code: child.exitCode ?? -1, out, err });
    });
  });

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "twokey-init-"));
});
afterAll(() => rm(root, { recursive: true }));

test("what init writes passes policy check, with the options in it", async () => {
  const folder = join(root, "mine");
  const options = ["--account", "444455556666", "--region", "eu-west-1", "--owner", "payments-lead"];
  const urls = ["--issuer", "https://oidc.example.net", "--audience", "https://keys.example.net"];
  const init = await twokey("init", folder, ...options, ...urls);
  expect(init).toMatchObject({ code: 0, err: "" });
  expect(init.out).toContain(`twokey policy check ${folder}`);
  const check = await twokey("policy", "check", folder, "--json");
  expect(check.code).toBe(0);
  expect(JSON.parse(check.out)).toMatchObject({
    ok: true,
    digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
  });

  const text = await readFile(join(folder, "accounts.yaml"), "utf8");
  expect(text).toContain('id: "444455556666"');
  expect(text).toContain("region: eu-west-1");
  expect(text).toMatch(/external_id: twokey-[0-9a-f]{32}\n/);
  expect(text).toContain("# The AWS accounts");
  const agents = await readFile(join(folder, "agents.yaml"), "utf8");
  expect(agents).toContain("owner: payments-lead");
  expect(agents).toContain("https://oidc.example.net");
  expect(agents).not.toContain("twokey.example.com");
});

test("each init makes an external id of its own", async () => {
  const ids = new Set<string>();
  for (const name of ["one", "two"]) {
    await twokey("init", join(root, name), "--json");
    ids.add(/external_id: (\S+)/.exec(await readFile(join(root, name, "accounts.yaml"), "utf8"))?.[1] ?? "");
  }
  expect(ids.size).toBe(2);
});

test("init refuses a folder that is not empty and changes nothing in it", async () => {
  const folder = await mkdtemp(join(root, "full-"));
  await writeFile(join(folder, ".keep"), "mine");
  expect(await twokey("init", folder)).toMatchObject({
    code: 1,
    err: expect.stringContaining("not empty") as string,
  });
  expect(await readdir(folder)).toEqual([".keep"]);
});

test("an option that is no account id is wrong usage", async () => {
  const folder = join(root, "wrong");
  expect((await twokey("init", folder, "--account", "123")).code).toBe(2);
  expect((await twokey("init", folder, "--audience", "https://x.example: {a")).code).toBe(2);
  expect(existsSync(folder)).toBe(false);
  expect((await twokey("policy", "chek")).code).toBe(2);
});

test("faults are printed as a compiler prints them", async () => {
  const folder = join(root, "faulty");
  await twokey("init", folder);
  const file = join(folder, "agents.yaml");
  await writeFile(file, replaceOnce(await readFile(file, "utf8"), "owner: orders-lead", "owner: order-lead"));
  const line =
    (await readFile(file, "utf8")).split("\n").findIndex((text) => text.includes("order-lead")) + 1;
  const check = await twokey("policy", "check", folder);
  expect(check.code).toBe(1);
  expect(check.out).toContain(
    `${file}:${line}:12: owner \`order-lead\` is not in people.yaml\n    did you mean \`orders-lead\`?\n\n1 fault in 1 file\n`,
  );
});
