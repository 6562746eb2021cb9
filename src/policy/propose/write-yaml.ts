/** A template as the YAML file people then edit. The reverse of schema/template.ts. */
import { stringify } from "yaml";
import type { Template } from "../set.ts";

const one = <T>(list: readonly T[]): T | readonly T[] =>
  list.length === 1 && list[0] !== undefined ? list[0] : list;

export function templateYaml(template: Template): string {
  const { name, kind, title, description, role, intent, accounts, duration, parameters, allow, expect } =
    template;
  const top = { name, kind, title, description, role, intent, accounts: accounts ?? "all" };
  const minutes = (seconds: number): string => `${seconds / 60}m`;
  const parts = [
    { ...top, duration: { default: minutes(duration.defaultSeconds), max: minutes(duration.maxSeconds) } },
    ...(Object.keys(parameters).length === 0 ? [] : [{ parameters: mapped(parameters) }]),
    {
      allow: allow.map(({ sid, action, resource, condition }) => ({
        ...(sid === null ? {} : { Sid: sid }),
        Action: one(action),
        Resource: one(resource),
        ...(Object.keys(condition).length === 0 ? {} : { Condition: condition }),
      })),
    },
    {
      expect: expect.map(({ title: what, parameters: values, action, resource, context, decision }) => ({
        title: what,
        ...(Object.keys(values).length === 0
          ? {}
          : {
              parameters: Object.fromEntries(Object.entries(values).map(([key, list]) => [key, one(list)])),
            }),
        ...{ action, resource },
        ...(Object.keys(context).length === 0 ? {} : { context }),
        decision,
      })),
    },
  ];
  const yaml = parts.map((part) => stringify(part, { lineWidth: 110, aliasDuplicateObjects: false }));
  return `# yaml-language-server: $schema=../.schema/template.json\n${yaml.join("\n")}`;
}

const mapped = (parameters: Template["parameters"]): unknown =>
  Object.fromEntries(
    Object.entries(parameters).map(([name, { description, like, optional, max, longest }]) => [
      name,
      {
        description,
        like,
        ...(optional ? { optional } : {}),
        ...(max > 1 ? { max } : {}),
        ...(longest === undefined ? {} : { longest }),
      },
    ]),
  );
