/**
 * Reads every import in src and infra and holds them to design.md's import table, and the pure layers to purity.
 */
import { readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, posix, relative } from "node:path";
import ts from "typescript";
import { expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "..");

interface Import {
  readonly from: string;
  /** Path below the root for our own files, else the package or `node:` name. */
  readonly to: string;
  readonly typeOnly: boolean;
  readonly names: readonly string[];
}

interface SourceFile {
  readonly path: string;
  readonly lines: number;
  readonly tree: ts.SourceFile;
  readonly imports: readonly Import[];
}

function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map((entry) => relative(ROOT, join(entry.parentPath, entry.name)).replaceAll("\\", "/"));
}

function readSource(path: string): SourceFile {
  const text = readFileSync(join(ROOT, path), "utf8");
  const tree = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
  return { path, lines: text.split("\n").length - 1, tree, imports: importsOf(path, tree) };
}

function importsOf(path: string, tree: ts.SourceFile): Import[] {
  const found: Import[] = [];
  const add = (specifier: string, typeOnly: boolean, names: readonly string[]): void => {
    const to = specifier.startsWith(".") ? posix.join(dirname(path), specifier) : packageName(specifier);
    found.push({ from: path, to, typeOnly, names });
  };
  walk(tree, (node) => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      const clause = node.importClause;
      const bindings = clause?.namedBindings;
      const elements = bindings && ts.isNamedImports(bindings) ? [...bindings.elements] : [];
      const onlyTypes =
        clause?.phaseModifier === ts.SyntaxKind.TypeKeyword ||
        (clause?.name === undefined &&
          elements.length > 0 &&
          elements.every((element) => element.isTypeOnly));
      const names = elements.filter((element) => !element.isTypeOnly).map((element) => element.name.text);
      add(node.moduleSpecifier.text, onlyTypes, names);
    } else if (
      ts.isExportDeclaration(node) &&
      node.moduleSpecifier &&
      ts.isStringLiteral(node.moduleSpecifier)
    ) {
      add(node.moduleSpecifier.text, node.isTypeOnly, []);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      if (argument && ts.isStringLiteral(argument)) add(argument.text, false, []);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      const { literal } = node.argument;
      if (ts.isStringLiteral(literal)) add(literal.text, true, []);
    }
  });
  return found;
}

function packageName(specifier: string): string {
  if (builtinModules.includes(specifier)) return `node:${specifier}`;
  if (specifier.startsWith("node:")) return specifier;
  const parts = specifier.split("/");
  return specifier.startsWith("@") ? parts.slice(0, 2).join("/") : (parts[0] ?? specifier);
}

function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  node.forEachChild((child) => {
    walk(child, visit);
  });
}

const infraExists = readdirSync(ROOT).includes("infra");
const FILES = [...filesBelow("src"), ...(infraExists ? filesBelow("infra") : [])].map(readSource);
const IMPORTS = FILES.flatMap((file) => file.imports);

const NOUNS = ["identity", "escalation", "policy", "session", "audit"] as const;
const PURE = new Set<string>([...NOUNS, "flows"]);

/** The part of design.md's table a file belongs to. */
function partOf(path: string): string {
  const [top, second, ...rest] = path.split("/");
  if (top !== "src" || second === undefined) return top ?? path;
  return rest.length === 0 ? second.replace(/\.ts$/, "") : second;
}

type Reach = "all" | "types";
const all = (...parts: string[]): Record<string, Reach> =>
  Object.fromEntries(parts.map((part) => [part, "all"]));
const types = (...parts: string[]): Record<string, Reach> =>
  Object.fromEntries(parts.map((part) => [part, "types"]));

/** design.md, "Layout", as data. `result` and `failure` are open to everyone; a part always to itself. */
const TABLE: Readonly<Record<string, Readonly<Record<string, Reach>>>> = {
  result: {},
  failure: types(...NOUNS),
  api: {},
  identity: {},
  escalation: all("identity"),
  policy: all("identity", "escalation"),
  session: all("identity", "escalation", "policy"),
  audit: types("identity", "escalation", "policy", "session"),
  flows: all(...NOUNS),
  adapters: all(...NOUNS),
  ui: types(...NOUNS),
  http: { ...all("flows", "ui", "api"), ...types(...NOUNS) },
  client: all("api"),
  "local-aws": all("policy"),
  // Secret: a setting that is one is wrapped at once.
  config: all("session"),
  cli: { ...all("wire", "config", "client", "policy", "audit", "local-aws"), ...types("api") },
  wire: all(...NOUNS, "flows", "adapters", "http", "ui", "config", "api", "local-aws"),
  infra: all("policy"),
};

/** docs/decisions/007: what `infra/` reads the policy set with, one file of it, and the action data beside it. */
const READS_THE_SET = {
  from: "infra/policy-set.ts",
  to: ["src/adapters/action-data/load.ts", "src/adapters/policy-files/load.ts"],
};

const ours = (imported: Import): boolean => /^(?:src|infra)\//.test(imported.to);
const show = ({ from, to }: Import): string => `${from} → ${to}`;

test("every import follows design.md's table", () => {
  const faults = IMPORTS.filter(ours).filter(({ from, to, typeOnly }) => {
    const [source, target] = [partOf(from), partOf(to)];
    if (from === READS_THE_SET.from && READS_THE_SET.to.includes(to)) return false;
    if (source === target || (source !== "infra" && ["result", "failure"].includes(target))) return false;
    const reach = TABLE[source]?.[target];
    return reach === undefined || (reach === "types" && !typeOnly);
  });
  expect(faults.map(show)).toEqual([]);
});

test("every part of src stands in the table", () => {
  expect([...new Set(FILES.map(({ path }) => partOf(path)))].filter((part) => !(part in TABLE))).toEqual([]);
});

test("no adapter imports another", () => {
  const adapterOf = (path: string): string | null => /^src\/adapters\/([^/]+)/.exec(path)?.[1] ?? null;
  const faults = IMPORTS.filter(({ from, to }) => {
    const [source, target] = [adapterOf(from), adapterOf(to)];
    return source !== null && target !== null && source !== target;
  });
  expect(faults.map(show)).toEqual([]);
});

test("nothing but wire and cli imports local-aws", () => {
  const faults = IMPORTS.filter(({ to }) => partOf(to) === "local-aws").filter(
    ({ from }) => !["wire", "cli", "local-aws"].includes(partOf(from)),
  );
  expect(faults.map(show)).toEqual([]);
});

/** Libraries the nouns may use, with what they may take of them; null: anything. */
const PURE_LIBRARIES: Readonly<Record<string, readonly string[] | null>> = {
  zod: null,
  yaml: null,
  "node:crypto": ["createHash", "hash", "timingSafeEqual"],
};

test("nouns use zod, yaml and pure hashing, and flows no library at all", () => {
  const faults = IMPORTS.filter((imported) => !ours(imported) && PURE.has(partOf(imported.from))).filter(
    ({ from, to, names, typeOnly }) => {
      if (partOf(from) === "flows" || !(to in PURE_LIBRARIES)) return true;
      const allowed = PURE_LIBRARIES[to] ?? null;
      return (
        allowed !== null && !typeOnly && (names.length === 0 || names.some((name) => !allowed.includes(name)))
      );
    },
  );
  expect(faults.map(show)).toEqual([]);
});

/** Clock, randomness, environment, network and time are arguments. */
const IMPURE_NAMES = new Set([
  "process",
  "fetch",
  "performance",
  "setTimeout",
  "setInterval",
  "setImmediate",
  "crypto",
  "require",
  "globalThis",
]);

function impurity(node: ts.Node): string | null {
  if (ts.isNewExpression(node) && node.expression.getText() === "Date") {
    return (node.arguments?.length ?? 0) === 0 ? "new Date()" : null;
  }
  if (ts.isPropertyAccessExpression(node)) {
    const text = node.getText();
    return text === "Date.now" || text === "Math.random" ? text : null;
  }
  const isUse =
    ts.isIdentifier(node) &&
    IMPURE_NAMES.has(node.text) &&
    !(ts.isPropertyAccessExpression(node.parent) && node.parent.name === node) &&
    (ts.isCallExpression(node.parent) || ts.isPropertyAccessExpression(node.parent));
  return isUse ? node.text : null;
}

test("nouns and flows take clock, randomness, environment and network as arguments", () => {
  const faults: string[] = [];
  for (const { path, tree } of FILES.filter((file) => PURE.has(partOf(file.path)))) {
    walk(tree, (node) => {
      const found = impurity(node);
      if (found !== null) faults.push(`${path}: ${found}`);
    });
  }
  expect(faults).toEqual([]);
});

test("no import cycle at run time", () => {
  const next = new Map<string, string[]>();
  for (const { from, to, typeOnly } of IMPORTS)
    if (!typeOnly) next.set(from, [...(next.get(from) ?? []), to]);
  const done = new Set<string>();
  const cycles: string[] = [];
  const visit = (path: string, above: readonly string[]): void => {
    if (above.includes(path)) cycles.push([...above.slice(above.indexOf(path)), path].join(" → "));
    if (done.has(path) || above.includes(path)) return;
    for (const target of next.get(path) ?? []) visit(target, [...above, path]);
    done.add(path);
  };
  for (const path of next.keys()) visit(path, []);
  expect(cycles).toEqual([]);
});

/** Files over 300 lines, each with the reason it may be. */
const LONG_FILES: Readonly<Record<string, string>> = {};

test("no file passes 300 lines without a reason", () => {
  const long = FILES.filter(({ lines }) => lines > 300).map(({ path, lines }) => `${path} (${lines} lines)`);
  expect(long.filter((line) => !((line.split(" ")[0] ?? "") in LONG_FILES))).toEqual([]);
});

test("every file opens with a comment of what it is responsible for", () => {
  const faults = FILES.filter(({ tree }) => !/^(?:#!.*\n)?\/[*/]/.test(tree.text)).map(({ path }) => path);
  expect(faults).toEqual([]);
});

test("only the sanctioned places reveal a secret", () => {
  // Secret.reveal() is the one exit; each place that takes it stands here.
  const allowed = [
    "src/adapters/aws/read-change-set.ts",
    "src/adapters/key-files/key-files.ts",
    "src/adapters/oidc/login.ts",
    "src/http/answers.ts",
    "src/http/cookie.ts",
    "src/http/human-routes.ts",
    "src/session/credentials.ts",
    "src/cli/credential-process.ts",
    "src/cli/demo/two-keys.ts",
    "src/cli/serve.ts",
  ];
  const revealing = FILES.filter(
    ({ tree, path }) =>
      // An agent's own process; and the receivers of notifications, whose addresses and keys are secrets.
      !/^src\/(?:client|adapters\/notify)\//.test(path) && /\.reveal\(/.test(tree.text),
  );
  expect(revealing.map(({ path }) => path).filter((path) => !allowed.includes(path))).toEqual([]);
});

test("the command's entry loads nothing before it knows the subcommand", () => {
  // `credential-process` starts at every call of some SDKs.
  const main = FILES.find(({ path }) => path === "src/cli/main.ts");
  const top = main?.tree.statements.filter(ts.isImportDeclaration) ?? [];
  expect(top.filter((node) => node.importClause?.phaseModifier !== ts.SyntaxKind.TypeKeyword)).toEqual([]);
});
