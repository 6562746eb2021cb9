/**
 * An AssumeRole request as STS's published limits allow it, before any policy is asked. Syntax only: whether the
 * role, the policies or the permission exist is not known here.
 */
import { ok } from "../../result.ts";
import { type Answered, constraint, fault, invalid, missing, notInLocalAws } from "../fault.ts";
import type { Parameters } from "../parameters.ts";
import { type PolicyText, readPolicy } from "../policy-text.ts";
import { checkKey, MOST_TAGS, readTags, sameKey, type Tag } from "../tags.ts";

export interface AssumeRoleInput {
  readonly roleArn: string;
  readonly sessionName: string;
  /** Seconds; null when it was not sent. */
  readonly duration: number | null;
  readonly policy: PolicyText | null;
  readonly policyArns: readonly string[];
  readonly tags: readonly Tag[];
  readonly transitiveKeys: readonly string[];
  readonly externalId: string | null;
  readonly sourceIdentity: string | null;
}

interface TextRule {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly pattern: RegExp;
}

const MOST_POLICY_CHARACTERS = 2_048;
/** Tab, line feed, carriage return and U+0020 to U+00FF. */
const POLICY_CHARACTERS = /^[\u0009\u000a\u000d\u0020-\u00ff]+$/u;
const NAME = /^[\w+=,.@-]*$/;

const RULES = {
  RoleArn: { name: "roleArn", min: 20, max: 2048, pattern: /^[\t\n\r\u0020-\u007e\u0085\u00a0-\uffff]+$/ },
  RoleSessionName: { name: "roleSessionName", min: 2, max: 64, pattern: NAME },
  SourceIdentity: { name: "sourceIdentity", min: 2, max: 64, pattern: NAME },
  ExternalId: { name: "externalId", min: 2, max: 1224, pattern: /^[\w+=,.@:/-]*$/ },
} as const satisfies Record<string, TextRule>;

export function readAssumeRole(parameters: Parameters): Answered<AssumeRoleInput> {
  const roleArn = required(parameters, "RoleArn");
  if (!roleArn.ok) return roleArn;
  if (!/^arn:aws[a-z-]*:iam::\d{12}:role\/\S+$/.test(roleArn.value))
    return invalid(`${roleArn.value} is invalid`);
  const sessionName = required(parameters, "RoleSessionName");
  if (!sessionName.ok) return sessionName;
  const sourceIdentity = optional(parameters, "SourceIdentity");
  if (!sourceIdentity.ok) return sourceIdentity;
  if (sourceIdentity.value?.toLowerCase().startsWith("aws:") === true)
    return invalid("The source identity may not begin with aws:");
  const externalId = optional(parameters, "ExternalId");
  if (!externalId.ok) return externalId;
  const duration = readDuration(parameters.text("DurationSeconds"));
  if (!duration.ok) return duration;
  const policies = readPolicies(parameters);
  if (!policies.ok) return policies;
  const tags = readSessionTags(parameters);
  if (!tags.ok) return tags;
  for (const name of ["SerialNumber", "TokenCode"])
    if (parameters.text(name) !== undefined) return notInLocalAws("Multi-factor authentication");
  if (parameters.structures("ProvidedContexts") !== undefined) return notInLocalAws("ProvidedContexts");
  return ok({
    roleArn: roleArn.value,
    sessionName: sessionName.value,
    sourceIdentity: sourceIdentity.value,
    externalId: externalId.value,
    duration: duration.value,
    ...policies.value,
    ...tags.value,
  });
}

function required(parameters: Parameters, name: keyof typeof RULES): Answered<string> {
  const text = parameters.text(name);
  return text === undefined ? missing(RULES[name].name) : checkText(text, RULES[name]);
}

function optional(parameters: Parameters, name: keyof typeof RULES): Answered<string | null> {
  const text = parameters.text(name);
  return text === undefined ? ok(null) : checkText(text, RULES[name]);
}

function checkText(text: string, rule: TextRule): Answered<string> {
  if (text.length < rule.min)
    return constraint(text, rule.name, `have length greater than or equal to ${rule.min}`);
  if (text.length > rule.max)
    return constraint(text, rule.name, `have length less than or equal to ${rule.max}`);
  if (!rule.pattern.test(text))
    return constraint(text, rule.name, `satisfy regular expression pattern: ${rule.pattern.source}`);
  return ok(text);
}

function readDuration(text: string | undefined): Answered<number | null> {
  if (text === undefined) return ok(null);
  if (!/^-?\d{1,9}$/.test(text))
    return fault("MalformedInput", `DurationSeconds is not a whole number: ${text}`);
  const seconds = Number(text);
  if (seconds < 900) return constraint(text, "durationSeconds", "have value greater than or equal to 900");
  if (seconds > 43_200) return constraint(text, "durationSeconds", "have value less than or equal to 43200");
  return ok(seconds);
}

function readPolicies(
  parameters: Parameters,
): Answered<{ readonly policy: PolicyText | null; readonly policyArns: readonly string[] }> {
  const policyArns = (parameters.structures("PolicyArns") ?? []).map((item) => item.text("arn") ?? "");
  if (policyArns.length > 10)
    return constraint(String(policyArns.length), "policyArns", "have length less than or equal to 10");
  const text = parameters.text("Policy");
  if (text === undefined) return ok({ policy: null, policyArns });
  if (text.length < 1) return constraint(text, "policy", "have length greater than or equal to 1");
  if (!POLICY_CHARACTERS.test(text))
    return constraint(
      text,
      "policy",
      "satisfy regular expression pattern: [\\u0009\\u000A\\u000D\\u0020-\\u00FF]+",
    );
  if (text.length > MOST_POLICY_CHARACTERS)
    return constraint(text, "policy", `have length less than or equal to ${MOST_POLICY_CHARACTERS}`);
  const policy = readPolicy(text);
  return policy.ok ? ok({ policy: policy.value, policyArns }) : policy;
}

function readSessionTags(
  parameters: Parameters,
): Answered<{ readonly tags: readonly Tag[]; readonly transitiveKeys: readonly string[] }> {
  const tags = readTags(parameters, "Tags");
  if (!tags.ok) return tags;
  const transitiveKeys = parameters.list("TransitiveTagKeys") ?? [];
  if (transitiveKeys.length > MOST_TAGS)
    return constraint(
      String(transitiveKeys.length),
      "transitiveTagKeys",
      `have length less than or equal to ${MOST_TAGS}`,
    );
  for (const key of transitiveKeys) {
    const checked = checkKey(key, "transitiveTagKeys");
    if (!checked.ok) return checked;
    if (tags.value?.some((tag) => sameKey(tag.key, key)) !== true)
      return fault(
        "InvalidParameterValue",
        `The specified transitive tag key must be included in the requested tags: ${key}`,
      );
  }
  return ok({ tags: tags.value ?? [], transitiveKeys });
}
