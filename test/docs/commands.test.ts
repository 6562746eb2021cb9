/**
 * The documentation's commands, run: every `sh` block of every page in order, in one folder beside a running demo.
 * A trailing comment that names a refusal makes that refusal the expectation.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { credentialsAnswerSchema, escalationAnswerSchema } from "../../src/http/answer-schemas.ts";
import { tokenSource } from "../../src/client/workload-token.ts";
import { hasAws, newcomer, serveDemo, start, type RunningDemo } from "../demo/program.ts";
import { thawAs } from "../freeze/world.ts";
import { Browser } from "../humans/world.ts";
import { blocksOf, PAGES, ROOT, type Page } from "./pages.ts";
import { realArns } from "./real-arns.ts";

/** Commands that are not run here, whole, each with its reason. */
const NOT_RUN: Readonly<Record<string, string>> = {
  "npm ci && npm run demo": "installs packages; test/demo runs the demo",
  "npm ci && npm test": "is what runs this",
  "npm run build && npm link": "changes the machine; here `twokey` on the PATH is the same bundle",
  "export TWOKEY_TOKEN=$(aws sts get-web-identity-token --audience https://twokey.example.com --signing-algorithm ES384 --query WebIdentityToken --output text)":
    "asks AWS itself",
};

/** Commands that run until they are stopped, and the line by which each says that it stands. */
const SERVES: readonly (readonly [RegExp, string])[] = [
  [/^twokey serve /, "broker started"],
  [/^twokey agent serve /, "AWS_DEFAULT_REGION"],
];

const NEEDS_AWS = /(^|-- )aws /;
const REFUSAL = /# *(AccessDenied)\b/;

const place = newcomer();
let demo: RunningDemo;
beforeAll(async () => {
  demo = await serveDemo(place);
});
afterAll(async () => {
  demo.child.kill("SIGTERM");
  await demo.ended;
});

const commandsOf = ({ blocks }: Page): readonly string[] =>
  blocks
    .filter(({ language }) => language === "sh")
    .flatMap(({ text }) => text.replaceAll(/ *\\\n */g, " ").split("\n"))
    .filter((line) => line.trim() !== "");

test("each command that is not run is one the documentation has", () => {
  const all = new Set(PAGES.flatMap(commandsOf));
  expect(Object.keys(NOT_RUN).filter((command) => !all.has(command))).toEqual([]);
});

/** It ends the sessions that the other pages use. */
const LAST = "docs/kill-switch.md";
const pages = PAGES.filter((page) => commandsOf(page).some((line) => !(line in NOT_RUN))).sort(
  (a, b) => Number(a.name === LAST) - Number(b.name === LAST),
);

// One test a page, in this order: its commands share a shell, as a reader's do.
test.each(pages.map((page) => [page.name, page] as const))(
  `the commands of %s do what they say${hasAws ? "" : " (those of aws are skipped: it is not installed)"}`,
  async (_name, page) => {
    const lines = commandsOf(page).filter((line) => !(line in NOT_RUN) && (hasAws || !NEEDS_AWS.test(line)));
    const file = join(place.folder, "page.sh");
    writeFileSync(file, script(lines));
    const { out, err } = await start("bash", [file], place).ended;
    const told = out.split("\n").flatMap((line) => (line.startsWith(MARK) ? [line.slice(MARK.length)] : []));
    expect(told, `${out}\n${err}`).toEqual(
      lines.map((line, index) => `${index} ${REFUSAL.test(line) ? "refused" : "done"}`),
    );
    if (page.name === LAST) await thawAgent();
  },
  // A dozen programs start in one page.
  120_000,
);

/** By an administrator, with the link that the demo printed. */
async function thawAgent(): Promise<void> {
  const link = /http\S+/.exec(demo.said.find((line) => line.includes("platform-engineer")) ?? "")?.[0] ?? "";
  const administrator = new Browser({ url: brokerUrl(), origin: new URL(link).origin });
  await administrator.accept(link);
  await administrator.enrol();
  const thawed = await thawAs(administrator, { kind: "agent", name: "orders-agent" });
  expect([thawed.status, thawed.json]).toEqual([200, { state: "thawed" }]);
}

const MARK = "#### ";

/** Bash that runs the lines one after the other in one shell and says of each how it ended. */
function script(lines: readonly string[]): string {
  const steps = lines.map((line, index) => {
    const ready = SERVES.find(([pattern]) => pattern.test(line))?.[1];
    if (ready !== undefined) return served(line, ready, index);
    const refusal = REFUSAL.exec(line)?.[1];
    const run = `{ ${line}\n} 2>step.err\ncode=$?; cat step.err >&2`;
    const good =
      refusal === undefined
        ? `[ $code = 0 ] && state=done`
        : `[ $code != 0 ] && grep -q ${refusal} step.err && state=refused`;
    return `${run}\nstate="ended $code"; ${good}\necho "${MARK}${index} $state"`;
  });
  return [
    "servers=()",
    ...steps,
    'for server in "${servers[@]}"; do kill "$server"; wait "$server"; done',
    "",
  ].join("\n");
}

/** Its lines are read until the one it says when it stands; if it ends before, that is the fault. */
function served(line: string, ready: string, index: number): string {
  return `state=ended
exec {lines}< <(exec ${line} 2>&1)
servers+=($!)
while read -r text <&$lines; do echo "$text"; case "$text" in *"${ready}"*) state=done; break;; esac; done
echo "${MARK}${index} $state"`;
}

test("the profile that `twokey setup aws` wrote is the one docs/agents.md shows", () => {
  const [shown] = blocksOf("ini");
  expect(readFileSync(join(place.folder, ".twokey/aws-config"), "utf8").trim()).toBe(shown?.text);
});

const demoEnv = (name: string): string => {
  const env = readFileSync(join(place.folder, ".twokey/demo.env"), "utf8");
  return new RegExp(`${name}='(.*)'`).exec(env)?.[1] ?? "";
};
const brokerUrl = (): string => demoEnv("TWOKEY_URL");

const bearer = async (): Promise<string> => {
  const token = await tokenSource({
    agentKey: join(place.folder, ".twokey/demo/orders-agent.key.json"),
    tokenFile: null,
    audience: brokerUrl(),
    env: {},
  })();
  return token.ok ? token.value : "";
};

/** What a request of docs/api.md is answered with. */
const ANSWERS = {
  "POST /v1/credentials": [200, credentialsAnswerSchema],
  "POST /v1/escalations": [201, escalationAnswerSchema],
  // Nobody has decided yet.
  "POST /v1/credentials with a grant": [409, z.object({ code: z.literal("authorization_pending") })],
} as const;

/** Real values by the documentation's placeholders. */
let real: ReadonlyMap<string, string>;
beforeAll(async () => {
  const ask = async (path: string, body: unknown) => {
    const headers = { authorization: `Bearer ${await bearer()}`, "content-type": "application/json" };
    const answer = await fetch(`${brokerUrl()}${path}`, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
    });
    return (await answer.json()) as Readonly<Record<string, unknown>>;
  };
  const arns = await realArns(ask, demoEnv("AWS_ENDPOINT_URL"));
  const [stack = "", change_set = ""] = arns.values();
  const { id } = await ask("/v1/escalations", {
    template: "production-stack-change",
    parameters: { stack, change_set },
    duration: "20m",
    reason: "another than the documentation's",
    task: { intent: "destroy", summary: "repair" },
  });
  real = new Map([...arns, ["esc-aaaaaaaaaaaaaaaaaaaaaaaa", String(id)]]);
});

test.each(blocksOf("http").map((block) => [block.at, block] as const))(
  "the request at %s is answered as the API says",
  async (_at, { text }) => {
    const [head = "", body = ""] = text.split(/\n\n/);
    const [request = "", ...fields] = head.split("\n");
    const [method = "", path = ""] = request.split(" ");
    const token = await bearer();
    const headers = fields.map((field): [string, string] => {
      const [name = "", value = ""] = field.split(": ");
      return [name, value.replace("eyJ…", token)];
    });
    const sent = [...real].reduce(
      (whole, [placeholder, value]) => whole.replaceAll(placeholder, value),
      body,
    );
    const answer = await fetch(`${brokerUrl()}${path}`, { method, headers, body: sent });
    const json: unknown = await answer.json();
    const kind = body.includes('"escalation":') ? `${request} with a grant` : request;
    const [status, schema] = ANSWERS[kind as keyof typeof ANSWERS];
    expect(answer.status, JSON.stringify(json)).toBe(status);
    expect(schema.safeParse(json).success).toBe(true);
  },
);

test("the script of docs/audit.md proves that a signed entry is in the log, and takes no other key's word", async () => {
  const script = blocksOf("js").find(({ at }) => at.startsWith("docs/audit.md"))?.text ?? "";
  writeFileSync(join(place.folder, "check-receipt.mjs"), script);
  const token = readFileSync(join(place.folder, ".twokey/demo/data/operator-token"), "utf8").trim();
  const ask = async (path: string): Promise<unknown> =>
    (await fetch(`${brokerUrl()}${path}`, { headers: { authorization: `Bearer ${token}` } })).json();
  const { key, size } = (await ask("/v1/audit/checkpoint")) as { key: string; size: number };
  const { entries } = (await ask("/v1/audit/entries?from=0&limit=1000")) as { entries: readonly string[] };
  const check = async (entry: number, verifier: string, text?: string) => {
    const file = join(place.folder, "entry.json");
    writeFileSync(file, text ?? entries[entry] ?? "");
    const args = ["check-receipt.mjs", brokerUrl(), String(entry), verifier, file];
    const env = { ...place.env, TWOKEY_TOKEN: entry === 0 ? await bearer() : token };
    const { code, out, err } = await start(process.execPath, args, { ...place, env }).ended;
    return `${code} ${out}${err}`;
  };
  expect(size).toBeGreaterThan(1);
  for (const entry of [0, 1, Math.floor(size / 2), size - 1])
    expect(await check(entry, key)).toMatch(new RegExp(`^0 entry ${entry} is in the log`));
  expect(await check(1, key, entries[0])).toContain("the log has another entry there");
  const others = `${key.slice(0, -5)}${key.endsWith("AAAA=") ? "BBBB" : "AAAA"}${key.slice(-1)}`;
  expect(await check(1, others)).toMatch(/^1 [^]*the signature does not fit/);
  expect(await check(1_000_000, key)).toContain("not signed yet");
}, 60_000);

test("the OpenAPI document and docs/api.md name the same routes", async () => {
  const served = (await (await fetch(`${brokerUrl()}/openapi.json`)).json()) as {
    readonly paths: Readonly<Record<string, object>>;
  };
  const routes = Object.entries(served.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ":$1")}`),
  );
  const rows = readFileSync(join(ROOT, "docs/api.md"), "utf8").matchAll(/^\| `([A-Z]+ \/\S*)` \|/gm);
  expect(routes.sort()).toEqual([...rows].map((match) => match[1]).sort());
});
