/**
 * `twokey init`: writes a starter policy set into an empty folder. Starts from the package's own policies/, so
 * that there is one source, and checks what it wrote as `twokey policy check` does. Never overwrites.
 */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, InvalidArgumentError } from "commander";
import type { PolicyFile } from "../policy/parse-set.ts";

interface InitOptions {
  readonly account?: string;
  readonly region?: string;
  readonly owner?: string;
  readonly issuer?: string;
  readonly audience?: string;
  readonly json?: boolean;
}

/** What the shipped files say, to be replaced. */
const SHIPPED = {
  account: "111122223333",
  region: "us-east-1",
  owner: "orders-lead",
  issuer: "https://token.actions.githubusercontent.com",
  audience: "https://twokey.example.com",
  externalId: "demo-7d1f0c64a2f94b1e",
} as const;

export function initCommand(): Command {
  return new Command("init")
    .description("write a starter policy set, with comments, into an empty folder")
    .argument("[folder]", "a new or empty folder", "policies")
    .option("--account <id>", "AWS account, twelve digits", matching(/^\d{12}$/, "twelve digits"))
    .option(
      "--region <region>",
      "its region",
      matching(/^[a-z]{2,4}(?:-[a-z]+){1,2}-\d{1,2}$/, "such as us-east-1"),
    )
    .option(
      "--owner <id>",
      "person who answers for the first agent",
      matching(/^[a-z][a-z0-9._-]{1,62}$/, "such as orders-lead"),
    )
    .option("--issuer <url>", "OIDC issuer of your agents' tokens", matching(URL_SHAPE, "an https URL"))
    .option(
      "--audience <url>",
      "this broker's URL, which tokens must be made for",
      matching(URL_SHAPE, "an https URL"),
    )
    .option("--json", "print the result as JSON")
    .addHelpText("after", "\nExit code: 0 written, 1 refused, 2 wrong usage.")
    .action(async (folder: string, options: InitOptions) => {
      const refusal = await init(folder, options);
      if (refusal !== null) {
        process.exitCode = 1;
        if (options.json === true) process.stdout.write(`${JSON.stringify({ ok: false, error: refusal })}\n`);
        else process.stderr.write(`twokey init: ${refusal}\n`);
      }
    });
}

/** Only what can stand in YAML without quotes: values go into the files as text. */
const URL_SHAPE = /^https:\/\/[A-Za-z0-9.-]+(?::\d{1,5})?(?:\/[A-Za-z0-9._~/-]*)?$/;

function matching(shape: RegExp, wanted: string): (value: string) => string {
  return (value) => {
    if (!shape.test(value)) throw new InvalidArgumentError(`expected ${wanted}.`);
    return value;
  };
}

/** Null when written; otherwise why not. */
async function init(folder: string, options: InitOptions): Promise<string | null> {
  const present = await readdir(folder).catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    if (error instanceof Error && "code" in error && error.code === "ENOTDIR") return null;
    throw error;
  });
  if (present === null) return `${folder} is not a folder`;
  if (present.length > 0) return `${folder} is not empty; name a new or empty folder`;

  const files = substitute(await shippedFiles(), options);
  for (const part of ["templates", ".schema"]) await mkdir(join(folder, part), { recursive: true });
  for (const { name, text } of files) await writeFile(join(folder, name), text, { flag: "wx" });
  const { checkPolicy } = await import("../wire/tools.ts");
  const checked = await checkPolicy(folder);
  if (!checked.ok) {
    const faults = checked.error.map(({ file, line, message }) => `  ${file}:${line}: ${message}`);
    return `these options contradict the starter set; change ${folder} where it says\n${faults.join("\n")}`;
  }
  const { digest } = checked.value.set;
  process.stdout.write(
    options.json === true ? asJson(folder, files, digest) : nextSteps(folder, files, options),
  );
  return null;
}

/** The package's policies/: beside package.json, above both src/cli/ and the bundle's dist/. */
export function shippedPolicies(): string {
  let root = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(root, "package.json"))) {
    if (dirname(root) === root) throw new Error("the package's policies folder is missing");
    root = dirname(root);
  }
  return join(root, "policies");
}

async function shippedFiles(): Promise<readonly PolicyFile[]> {
  const folder = shippedPolicies();
  // The schemas stand in a folder whose name starts with a dot: editors find them, and they are no policy.
  const names = (await readdir(folder, { recursive: true }))
    .filter((name) => /\.yaml$|^\.schema[\\/].+\.json$/.test(name))
    .sort();
  return Promise.all(
    names.map(async (name) => ({
      name: name.replaceAll("\\", "/"),
      text: await readFile(join(folder, name), "utf8"),
    })),
  );
}

function substitute(files: readonly PolicyFile[], options: InitOptions): readonly PolicyFile[] {
  const replacements: readonly (readonly [string, string])[] = [
    [SHIPPED.account, options.account ?? SHIPPED.account],
    [SHIPPED.region, options.region ?? SHIPPED.region],
    [SHIPPED.owner, options.owner ?? SHIPPED.owner],
    [SHIPPED.issuer, options.issuer ?? SHIPPED.issuer],
    [SHIPPED.audience, options.audience ?? SHIPPED.audience],
    [SHIPPED.externalId, `twokey-${randomBytes(16).toString("hex")}`],
  ];
  return files.map(({ name, text }) => ({
    name,
    text: replacements.reduce((result, [from, to]) => result.replaceAll(from, () => to), text),
  }));
}

function asJson(folder: string, files: readonly PolicyFile[], digest: string): string {
  return `${JSON.stringify({ ok: true, folder, files: files.map(({ name }) => name), digest }, null, 2)}\n`;
}

function nextSteps(folder: string, files: readonly PolicyFile[], options: InitOptions): string {
  const account =
    options.account === undefined
      ? `  accounts.yaml     your account instead of ${SHIPPED.account}, and its roles\n`
      : "";
  return `Wrote ${files.length} files to ${folder}.

Make them yours:
${account}  guardrails.yaml   the tag and the values that are known not to be production
  people.yaml       who your people are, and the accounts they sign in with
  agents.yaml       which tokens you trust, your agents and their owners
  approvals.yaml    who approves what

Then:
  twokey policy check ${folder}
  twokey serve --policies ${folder}
`;
}
