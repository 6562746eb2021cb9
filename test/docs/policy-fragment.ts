/** Puts a policy example of the documentation into a copy of the shipped set, as a reader would. */
import { createHash, generateKeyPairSync } from "node:crypto";
import { parse, stringify } from "yaml";
import type { PolicyFile } from "../../src/policy/parse-set.ts";
import { shipped } from "../policy-set/fixture.ts";

type Tree = Readonly<Record<string, unknown>>;

/** Which file a top-level key belongs to. */
const FILE_OF: Readonly<Record<string, string>> = {
  environment: "guardrails.yaml",
  floor: "guardrails.yaml",
  freeze_when: "guardrails.yaml",
  accounts: "accounts.yaml",
  people: "people.yaml",
  issuers: "agents.yaml",
  agents: "agents.yaml",
  rules: "approvals.yaml",
  administrators: "approvals.yaml",
  activation: "approvals.yaml",
  activation_rule: "approvals.yaml",
};

/** A whole template takes the place of its file; anything else is merged into its own. */
export function withFragment(unverified: unknown): PolicyFile[] {
  if (!isTree(unverified)) throw new Error("the example is not a mapping");
  const fragment = withRealKey(unverified);
  if ("allow" in fragment)
    return put(shipped(), `templates/${String(fragment["name"])}.yaml`, () => fragment);
  return Object.entries(fragment).reduce((files, [key, value]) => {
    const file = FILE_OF[key];
    if (file === undefined) throw new Error(`no policy file has the key ${key}`);
    return put(files, file, (whole) => merge(whole, { [key]: value }) as Tree);
  }, shipped());
}

function put(files: readonly PolicyFile[], name: string, change: (whole: Tree) => Tree): PolicyFile[] {
  const old = files.find((file) => file.name === name);
  const text = stringify(change(old === undefined ? {} : (parse(old.text) as Tree)), {
    aliasDuplicateObjects: false,
  });
  return [...files.filter((file) => file !== old), { name, text }];
}

const isTree = (value: unknown): value is Tree =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Entries of one id (or name) are one entry; lists are joined. */
function merge(old: unknown, added: unknown): unknown {
  if (isTree(old) && isTree(added)) {
    const keys = new Set([...Object.keys(old), ...Object.keys(added)]);
    return Object.fromEntries(
      [...keys].map((key) => [key, key in added ? merge(old[key], added[key]) : old[key]]),
    );
  }
  if (!Array.isArray(old) || !Array.isArray(added)) return added;
  const all: unknown[] = [...(old as unknown[])];
  for (const item of added as unknown[]) {
    const same = all.findIndex((other) => idOf(other) === idOf(item));
    if (same === -1) all.push(item);
    else all[same] = merge(all[same], item);
  }
  return all;
}

function idOf(item: unknown): string {
  if (!isTree(item)) return JSON.stringify(item);
  return JSON.stringify(item["id"] ?? item["name"] ?? item["templates"] ?? item);
}

/** `<printed>` stands for what `twokey agent-key create` prints. */
function withRealKey(fragment: Tree): Tree {
  const { x = "" } = generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" });
  // RFC 7638.
  const kid = createHash("sha256").update(`{"crv":"Ed25519","kty":"OKP","x":"${x}"}`).digest("base64url");
  const text = JSON.stringify(fragment);
  return JSON.parse(
    text.replaceAll('"kid":"<printed>"', `"kid":"${kid}"`).replaceAll('"x":"<printed>"', `"x":"${x}"`),
  ) as Tree;
}
