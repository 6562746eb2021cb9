/**
 * What must agree inside one template: its name and file, kind and role, durations, placeholders and parameters,
 * and its expectations. Whether it can be fenced is the compiler's to say, not this file's.
 */
import { acceptParameters } from "../parameters.ts";
import { didYouMean } from "../suggest.ts";
import { isRecord, valueAt } from "./report.ts";
import type { ReadTemplate } from "./template.ts";
import type { Path } from "./yaml.ts";

/** Placeholders that are not parameters. */
const BUILT_IN = ["account", "region", "service_roles", "service_roles.non_production"];

export function checkTemplate(template: ReadTemplate): void {
  const { parts, fault } = template.item;
  if (parts.name !== undefined && parts.name !== template.name) {
    fault(
      ["name"],
      `the file is named \`${template.name}\`, the template \`${parts.name}\``,
      `name: ${template.name}`,
    );
  }
  if (parts.kind === "escalation" && parts.role !== undefined && parts.role !== "escalated") {
    fault(["role"], "an escalation template uses the role `escalated`", "role: escalated");
  }
  if (parts.kind === "standing" && parts.role === "escalated") {
    fault(["role"], "only escalation templates use the role `escalated`", "role: operator");
  }
  if (parts.exceptions?.includes("tag-new-resources") === true && parts.role !== "stack_service") {
    const message = "an agent that may tag what has no tag could take untagged production out of production";
    fault(["exceptions"], message, "remove it; only a template of the role `stack_service` may have it");
  }
  if (parts.role === "stack_service" && Object.keys(parts.parameters ?? {}).length > 0) {
    fault(
      ["parameters"],
      "what CloudFormation may do is asked for by nobody, with no parameters",
      "remove them",
    );
  }
  if (parts.duration !== undefined && parts.duration.default > parts.duration.max) {
    fault(["duration", "default"], "the default is longer than the maximum");
  }
  checkSids(template);
  checkPlaceholders(template);
  checkExpectations(template);
}

function checkSids({ item }: ReadTemplate): void {
  const seen = new Set<string>();
  for (const [index, { Sid }] of (item.parts.allow ?? []).entries()) {
    if (Sid === undefined) continue;
    if (seen.has(Sid)) item.fault(["allow", index, "Sid"], `the Sid \`${Sid}\` stands here twice`);
    seen.add(Sid);
  }
}

/** Reads the raw text, so that a fault elsewhere in a statement does not hide these. */
function checkPlaceholders({ source, item }: ReadTemplate): void {
  const allow = valueAt(source.raw, ["allow"]);
  const rawParameters = valueAt(source.raw, ["parameters"]);
  const declared = isRecord(rawParameters) ? Object.keys(rawParameters) : [];
  const used = new Set<string>();
  for (const name of declared.filter((candidate) => BUILT_IN.includes(candidate))) {
    item.fault(["parameters", name], `\`${name}\` is already the placeholder of something else`, null, "key");
  }
  for (const { path, text } of textsIn(allow, ["allow"])) {
    for (const [whole, name = ""] of text.matchAll(/\$\{([^}]*)\}?/g)) {
      used.add(name);
      const problem = placeholderFault({ whole, name, text, declared });
      if (problem !== null) item.fault(path, ...problem);
    }
  }
  if (!Array.isArray(allow)) return;
  for (const name of declared.filter((candidate) => !used.has(candidate))) {
    item.fault(
      ["parameters", name],
      `\`${name}\` is declared and never used`,
      `use \${${name}} or remove it`,
      "key",
    );
  }
}

function placeholderFault(placeholder: {
  readonly whole: string;
  readonly name: string;
  readonly text: string;
  readonly declared: readonly string[];
}): readonly [string, string | null] | null {
  const { whole, name, text, declared } = placeholder;
  if (name.includes(":")) {
    // IAM would fill it in from the caller's request, after the compiler has reasoned about it.
    return [`IAM policy variables such as \`${whole}\` are not used in templates`, "declare a parameter"];
  }
  if (!whole.endsWith("}")) return [`\`${whole}\` is not closed`, "add the `}`"];
  if (name.startsWith("service_roles") && BUILT_IN.includes(name)) {
    return text === whole ? null : [`\`${whole}\` stands for whole ARNs`, "write it alone"];
  }
  if (BUILT_IN.includes(name) || declared.includes(name)) return null;
  const fix = didYouMean(name, [...declared, ...BUILT_IN]) ?? "declare it under `parameters`";
  return [`there is no parameter \`${name}\``, fix];
}

function textsIn(value: unknown, path: Path): readonly { path: Path; text: string }[] {
  if (typeof value === "string") return [{ path, text: value }];
  if (Array.isArray(value)) return value.flatMap((entry, index) => textsIn(entry, [...path, index]));
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([key, member]) => textsIn(member, [...path, key]));
}

/** A case's parameters are held to what an agent's would be. */
function checkExpectations({ item }: ReadTemplate): void {
  const { parameters, expect } = item.parts;
  if (parameters === undefined) return;
  for (const [index, expectation] of (expect ?? []).entries()) {
    const accepted = acceptParameters({ parameters }, expectation.parameters);
    for (const { at, problem } of accepted.ok ? [] : accepted.error) {
      item.fault(["expect", index, ...at.split(".")], `\`${at}\`: ${problem}`);
    }
  }
}
