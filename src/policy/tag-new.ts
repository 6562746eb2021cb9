/**
 * The exception `tag-new-resources`: the fence of tagging actions, for a role that creates and tags in one go and that
 * no agent can use. A resource whose environment is said already is fenced as ever; one without may only be told that
 * it is not production. That can relabel production nobody has tagged, so agents' sessions never have it.
 */
import type { OneOrMany, Statement } from "./iam/types.ts";
import type { PreparedAction, PreparedTemplate } from "./prepare.ts";

export function tagsNew(prepared: PreparedTemplate, { facts }: PreparedAction): boolean {
  return (
    prepared.template.exceptions.includes("tag-new-resources") &&
    facts !== null &&
    facts.accessLevels.includes("Tagging") &&
    !facts.name.includes(":Untag")
  );
}

export function tagNewFences(prepared: PreparedTemplate, actions: readonly string[]): readonly Statement[] {
  if (actions.length === 0) return [];
  const { environmentTag, nonProduction } = prepared.guardrails;
  const deny = (missing: "true" | "false", key: "Resource" | "Request"): Statement => ({
    Effect: "Deny",
    Action: one(actions),
    Resource: "*",
    Condition: {
      Null: { [`aws:ResourceTag/${environmentTag}`]: missing },
      StringNotEqualsIgnoreCase: { [`aws:${key}Tag/${environmentTag}`]: one(nonProduction) },
    },
  });
  return [deny("false", "Resource"), deny("true", "Request")];
}

const one = (texts: readonly string[]): OneOrMany =>
  texts.length === 1 && texts[0] !== undefined ? texts[0] : texts;
