/**
 * JSON Schemas of the security team's files, for their editor: generated from the very schemas that judge the
 * files. They help while typing and decide nothing; `policy check` does.
 */
import * as z from "zod";
import type { ActionTable } from "../knowledge.ts";
import { accountSchema } from "./accounts.ts";
import { agentSchema, enrolledSchema, oidcSchema } from "./agents.ts";
import { approvalsSchema, ruleSchema } from "./approvals.ts";
import { writtenForm, type Json } from "./as-written.ts";
import { guardrailsSchema } from "./guardrails.ts";
import { HINTS } from "./hints.ts";
import { personSchema } from "./people.ts";
import { templateSchema } from "./template.ts";

/** By file name in the folder of schemas, each as the text of that file. */
export function jsonSchemas(table: ActionTable): Readonly<Record<string, string>> {
  const issuer = z.union([oidcSchema.extend({ kind: z.literal("oidc") }), enrolledSchema]);
  const files = {
    accounts: z.strictObject({ accounts: z.array(accountSchema).min(1) }),
    agents: z.strictObject({ issuers: z.array(issuer).min(1), agents: z.array(agentSchema).min(1) }),
    approvals: approvalsSchema.extend({ rules: z.array(ruleSchema) }),
    guardrails: guardrailsSchema(table),
    people: z.strictObject({ people: z.array(personSchema).min(1) }),
    template: templateSchema(table),
  };
  return Object.fromEntries(
    Object.entries(files).map(([name, schema]) => [
      `${name}.json`,
      `${JSON.stringify(schemaOf(name, schema), null, 2)}\n`,
    ]),
  );
}

function schemaOf(name: string, schema: z.ZodType): Json {
  const json = z.toJSONSchema(schema, {
    target: "draft-7",
    io: "input",
    unrepresentable: "any",
    override: ({ zodSchema, jsonSchema, path }) => {
      const written = writtenForm(zodSchema);
      if (written !== undefined) replace(jsonSchema, written({ ...jsonSchema }));
      dropRefused(jsonSchema);
      const hint = path.at(-2) === "properties" ? HINTS[[name, ...keysOf(path)].join(".")] : undefined;
      if (hint !== undefined) jsonSchema.description = hint;
    },
  });
  return { ...json, title: `Twokey: ${name}` };
}

function replace(target: object, by: Json): void {
  for (const key of Object.keys(target)) Reflect.deleteProperty(target, key);
  Object.assign(target, by);
}

/** Keys that only stand in a schema to be refused with a reason are nothing to offer. */
function dropRefused(json: { properties?: unknown }): void {
  const properties = json.properties as Record<string, { not?: unknown }> | undefined;
  for (const [key, value] of Object.entries(properties ?? {})) {
    if (value.not !== undefined) Reflect.deleteProperty(properties ?? {}, key);
  }
}

/** `["properties", "allow", "items", "properties", "Action"]` to the keys a person wrote. */
const keysOf = (path: readonly (string | number)[]): readonly string[] =>
  path.filter((step, index) => path[index - 1] === "properties" && typeof step === "string").map(String);
