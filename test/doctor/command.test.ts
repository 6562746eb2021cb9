/** `twokey doctor` as people run it: a process, with the broker's configuration by flags and environment. */
import { execFile } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { lockFolder } from "../../src/adapters/postgres/folder-lock.ts";
import { CHECKS, type Finding } from "../../src/policy/doctor/finding.ts";
import { policyFolder } from "../support/policy-folder.ts";
import { BUNDLE } from "../support/bundle.ts";
import { BROKER_KEYS, startWorld, withRole } from "./world.ts";

const ROOT = join(import.meta.dirname, "../..");
const PAGE = join(ROOT, "docs/doctor.md");

interface Run {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

interface Place {
  readonly policies: string;
  readonly data: string;
  readonly url: string;
}

const { folder: policies } = await policyFolder({ "orders-ci": ["observe"] });
const newPlace = (url: string): Place => ({
  policies,
  data: mkdtempSync(join(tmpdir(), "twokey-doctor-")),
  url,
});

function doctor({ policies: set, data, url }: Place, ...words: readonly string[]): Promise<Run> {
  const env = {
    PATH: process.env["PATH"],
    HOME: data,
    NODE_NO_WARNINGS: "1",
    TWOKEY_POLICIES: set,
    TWOKEY_DATA_DIR: data,
    TWOKEY_STS_ENDPOINT: url,
    TWOKEY_AWS_ENDPOINT: url,
    AWS_ACCESS_KEY_ID: BROKER_KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: BROKER_KEYS.secretAccessKey,
  };
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      [BUNDLE, "doctor", ...words],
      { env, cwd: ROOT },
      (_error, out, err) => {
        resolve({ code: child.exitCode ?? -1, out, err });
      },
    );
  });
}

const findings = ({ out }: Run): readonly Finding[] => JSON.parse(out) as readonly Finding[];

/** Every file below a folder, as text. */
const filesOf = (folder: string): string =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), "latin1"))
    .join("\n");

test("an account as it must be: ✓ line by line under headings, exit code 0, and no secret anywhere", async () => {
  const world = await startWorld();
  const place = newPlace(world.url);
  const run = await doctor(place);
  expect([run.code, run.err]).toEqual([0, ""]);
  expect(run.out).toMatch(/^The broker\n {2}✓ the configuration is sound\n/);
  expect(run.out).toContain("\nAccount 111122223333\n");
  expect(run.out).toContain("  ✓ operator: STS issues a session on the role, tagged and named\n");
  expect(run.out).toMatch(/\n\d+ ok, 0 warnings, 0 faults\n$/);
  expect(run.out).not.toMatch(/[✗→\u001b]|^ {2}!/m);
  expect(run.out + filesOf(place.data)).not.toContain(BROKER_KEYS.secretAccessKey);
}, 120_000);

/** The trust policy of a role without its external id. */
const withoutExternalId = withRole("operator", ({ trust, ...role }) => ({
  ...role,
  trust: JSON.parse(JSON.stringify(trust).replace(/"sts:ExternalId":"[^"]*",/, "")) as typeof trust,
}));

test("a fault is exit code 1 and stands with its fix, as docs/doctor.md shows it; --json is an array of findings", async () => {
  const world = await startWorld(withoutExternalId);
  const place = newPlace(world.url);
  const told = await doctor(place);
  expect(told.code).toBe(1);
  const [, shown = "none"] = /```\nAccount 111122223333\n([^]*?)```/.exec(readFileSync(PAGE, "utf8")) ?? [];
  expect(told.out).toContain(shown);
  expect(told.out).toMatch(/ 2 faults\n$/);
  const asked = await doctor(place, "--json", "--account", "111122223333");
  expect([asked.code, asked.err]).toEqual([1, ""]);
  const found = findings(asked);
  for (const finding of found)
    expect(Object.keys(finding)).toEqual(["id", "account", "role", "status", "line", "fix"]);
  expect(found.filter(({ status }) => status === "fault")).toMatchObject([
    { id: "trust", account: "111122223333", role: "operator", status: "fault" },
    { id: "trust_refuses", account: "111122223333", role: "operator", status: "fault" },
  ]);
}, 120_000);

test("while a broker has the embedded record, what needs it is a warning", async () => {
  const world = await startWorld();
  const place = newPlace(world.url);
  const unlock = lockFolder(place.data);
  const run = await doctor(place, "--json");
  unlock();
  expect(run.code).toBe(0);
  const record = findings(run).find(({ id }) => id === "record");
  expect(record).toMatchObject({ status: "warning" });
  expect(record?.line).toContain(`in use by process ${process.pid}`);
  expect(record?.fix).toContain("stop the broker");
}, 120_000);

test("faults of the configuration and of the policy set are findings; wrong usage is exit code 2", async () => {
  const place = newPlace("http://127.0.0.1:1");
  const config = join(place.data, "twokey.yaml");
  writeFileSync(config, "colour: blue\n");
  const misconfigured = await doctor(place, "--json", "--config", config);
  expect(misconfigured.code).toBe(1);
  expect(findings(misconfigured)).toMatchObject([{ id: "configuration", status: "fault" }]);

  const empty = await doctor({ ...place, policies: place.data }, "--json");
  expect(empty.code).toBe(1);
  expect(findings(empty).map(({ id, status }) => `${id} ${status}`)).toContain("policy_set fault");

  const unknown = await doctor(place, "--account", "999999999999");
  expect([unknown.code, unknown.err]).toEqual([2, "twokey: accounts.yaml has no account 999999999999\n"]);
  expect((await doctor(place, "--colour")).code).toBe(2);
}, 120_000);

test("docs/doctor.md has one row for each check", () => {
  const rows = [...readFileSync(PAGE, "utf8").matchAll(/^\| `([a-z_]+)` *\|/gm)].map((match) => match[1]);
  expect(new Set(rows)).toEqual(new Set(CHECKS));
  expect(rows.length).toBe(CHECKS.length);
});
