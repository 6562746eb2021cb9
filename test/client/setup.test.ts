import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fakeBroker, type FakeBroker } from "./fake-broker.ts";
import { run, world, type Ended, type World } from "./programs.ts";

let broker: FakeBroker;
let here: World;
let config: string;
beforeEach(async () => {
  broker = await fakeBroker();
  here = world(broker);
  config = join(here.home, ".aws/config");
});
afterEach(async () => {
  await broker.close();
  rmSync(here.home, { recursive: true, force: true });
});

const setup = (...args: string[]): Promise<Ended> => run("twokey", ["setup", "aws", ...args], here.env);
const mode = (path: string): string => (statSync(path).mode & 0o777).toString(8);

function existing(text: string): void {
  mkdirSync(join(here.home, ".aws"), { recursive: true });
  writeFileSync(config, text);
}

const OURS = [
  "[profile twokey]",
  "# Written by `twokey setup aws`; run it again to change it.",
  "credential_process = twokey credential-process --profile twokey --template=observe",
  "",
].join("\n");

describe("twokey setup aws", () => {
  test("without --write and without a terminal it shows the change, writes nothing and exits 1", async () => {
    const { code, stdout } = await setup("--template", "observe");
    expect(code).toBe(1);
    expect(stdout).toContain(
      "+credential_process = twokey credential-process --profile twokey --template=observe\n",
    );
    expect(existsSync(config)).toBe(false);
  });

  test("with --write it makes the file, 0600 in a 0700 folder, and doing it again changes nothing", async () => {
    expect((await setup("--template", "observe", "--write")).code).toBe(0);
    expect(readFileSync(config, "utf8")).toBe(OURS);
    expect([mode(config), mode(join(here.home, ".aws"))]).toEqual(["600", "700"]);
    const again = await setup("--template", "observe", "--yes");
    expect([again.code, again.stdout]).toEqual([0, `${config} is as it should be.\n`]);
    expect(readFileSync(config, "utf8")).toBe(OURS);
  });

  test.each([
    ["an ordinary file", "# mine\n[default]\nregion = eu-west-1\n\n[profile x]\nrole_arn=a ; b\n", "\n"],
    ["a file without a last line break", "[default]\nregion = eu-west-1", "\n\n"],
    ["odd spacing and a byte order mark", "\uFEFF[ default ]\n\n\n  region=eu-west-1  \n", "\n"],
  ])("the rest of %s is kept byte for byte, and the file's mode", async (_name, text, gap) => {
    existing(text);
    chmodSync(config, 0o640);
    await setup("--template", "observe", "--write");
    expect(readFileSync(config, "utf8")).toBe(text + gap + OURS);
    expect(mode(config)).toBe("640");
  });

  test("CRLF files stay so", async () => {
    existing("[default]\r\nregion = eu-west-1\r\n");
    await setup("--template", "observe", "--write");
    expect(readFileSync(config, "utf8")).toBe(
      `[default]\r\nregion = eu-west-1\r\n\r\n${OURS.replaceAll("\n", "\r\n")}`,
    );
  });

  test("a file that is not UTF-8 is left alone, because it could not be written back as it was", async () => {
    existing("");
    writeFileSync(config, Buffer.from([0x5b, 0xff, 0x5d]));
    expect((await setup("--write")).code).toBe(1);
    expect(readFileSync(config)).toEqual(Buffer.from([0x5b, 0xff, 0x5d]));
  });

  test("a linked config file stays a link", async () => {
    const target = join(here.home, "dotfile");
    writeFileSync(target, "");
    mkdirSync(join(here.home, ".aws"));
    symlinkSync(target, config);
    await setup("--template", "observe", "--write");
    expect(lstatSync(config).isSymbolicLink()).toBe(true);
    expect(readFileSync(target, "utf8")).toBe(OURS);
  });

  test("its own profile is changed in place and what a person added to it stays", async () => {
    existing(`${OURS}output = json\n\n[profile z]\n`);
    await setup("--template", "data-repair", "--region", "eu-west-1", "--write");
    const line = "--template=data-repair\nregion = eu-west-1\n";
    expect(readFileSync(config, "utf8")).toBe(
      `${OURS.replace("--template=observe\n", line)}output = json\n\n[profile z]\n`,
    );
  });

  const FOREIGN =
    "[profile twokey]\naws_access_key_id = AKIAHUMAN\naws_secret_access_key = human-secret\n\n[profile z]\n";

  test("a profile of that name that is not Twokey's is refused", async () => {
    existing(FOREIGN);
    const { code, stderr } = await setup("--template", "observe", "--write");
    expect(code).toBe(1);
    expect(stderr).toContain("--force");
    expect(readFileSync(config, "utf8")).toBe(FOREIGN);
  });

  test("--force replaces it, and the diff does not show the secret that goes", async () => {
    existing(FOREIGN);
    const { code, stdout } = await setup("--template", "observe", "--write", "--force");
    expect(code).toBe(0);
    expect(stdout).toContain("-aws_secret_access_key = [not shown]");
    expect(stdout).not.toContain("human-secret");
    expect(readFileSync(config, "utf8")).toBe(`${OURS}\n[profile z]\n`);
  });

  test("a credentials file that holds the profile would win, so it is refused", async () => {
    existing("");
    writeFileSync(join(here.home, ".aws/credentials"), "[twokey]\naws_access_key_id = AKIAHUMAN\n");
    const { code, stderr } = await setup("--write");
    expect(code).toBe(1);
    expect(stderr).toContain("would win");
  });

  test.each([
    ["a line break in a setting", ["--task", "a\nregion = x"]],
    ["a profile name that is a path", ["--profile", "../x"]],
    ["a profile name that closes the section", ["--profile", "x]"]],
    ["a broker without TLS", ["--url", "http://twokey.example.com"]],
  ])("%s is refused", async (_name, args) => {
    expect((await setup(...args, "--write")).code).not.toBe(0);
    expect(existsSync(config)).toBe(false);
  });

  test("AWS_CONFIG_FILE is respected, and --json tells what was done", async () => {
    const elsewhere = join(here.home, "elsewhere");
    const args = ["setup", "aws", "--template", "observe", "--write", "--json"];
    const { stdout } = await run("twokey", args, { ...here.env, AWS_CONFIG_FILE: elsewhere });
    expect(JSON.parse(stdout)).toMatchObject({
      path: elsewhere,
      profile: "twokey",
      changed: true,
      written: true,
    });
    expect(readFileSync(elsewhere, "utf8")).toBe(OURS);
  });
});
