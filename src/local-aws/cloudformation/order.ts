/** What a template's resources wait for: the order they are made in, and references to nothing. */
import { ok } from "../../result.ts";
import { type Answered, invalid } from "../fault.ts";
import { references } from "./resolve.ts";
import type { JsonObject, Template, TemplateResource } from "./template.ts";

export const PSEUDO_PARAMETERS = [
  "AccountId",
  "NoValue",
  "NotificationARNs",
  "Partition",
  "Region",
  "StackId",
  "StackName",
  "URLSuffix",
].map((name) => `AWS::${name}`);

/**
 * Ids of the resources, each after all it refers to or depends on, otherwise as the template has them. Refuses what
 * AWS refuses before it makes anything: names that stand for nothing, and circles.
 */
export function orderOf(template: Template): Answered<readonly string[]> {
  const known = new Set([...template.parameters.keys(), ...template.resources.keys(), ...PSEUDO_PARAMETERS]);
  const blocks: readonly (readonly [string, readonly (readonly [string, JsonObject])[]])[] = [
    ["Resources", [...template.resources].map(([id, resource]) => [id, resource.properties])],
    ["Outputs", [...template.outputs]],
  ];
  for (const [block, parts] of blocks) {
    const unknown = parts.flatMap(([, part]) => [...references(part)]).filter((name) => !known.has(name));
    if (unknown.length > 0) return unresolved(unknown, block);
  }
  const waits = [...template.resources.values()].flatMap((resource) => resource.dependsOn);
  const missing = waits.filter((id) => !template.resources.has(id));
  if (missing.length > 0) return unresolved(missing, "Resources");
  return creationOrder(template);
}

const unresolved = (names: readonly string[], block: string): Answered<never> =>
  invalid(
    `Template format error: Unresolved resource dependencies [${[...new Set(names)].join(", ")}] in the ${block} block of the template`,
  );

function creationOrder(template: Template): Answered<readonly string[]> {
  const done = new Set<string>();
  const open = new Set<string>();
  const visit = (id: string, resource: TemplateResource): boolean => {
    if (done.has(id)) return true;
    if (open.has(id)) return false;
    open.add(id);
    for (const other of [...references(resource.properties), ...resource.dependsOn]) {
      const target = template.resources.get(other);
      if (target !== undefined && !visit(other, target)) return false;
    }
    open.delete(id);
    done.add(id);
    return true;
  };
  for (const [id, resource] of template.resources)
    if (!visit(id, resource))
      return invalid(`Circular dependency between resources: [${[...open].join(", ")}]`);
  return ok([...done]);
}
