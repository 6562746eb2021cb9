/** Tags as requests carry them: their limits, and the condition keys they become. */
import type { ContextValue } from "../policy/iam/types.ts";
import { ok } from "../result.ts";
import { type Answered, constraint, fault, invalid } from "./fault.ts";
import type { Parameters } from "./parameters.ts";

export interface Tag {
  readonly key: string;
  readonly value: string;
}

export const MOST_TAGS = 50;
const CHARACTERS = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u;

/** Tag keys differ in case only: for AWS the same key. */
export const sameKey = (a: string, b: string): boolean => a.toLowerCase() === b.toLowerCase();

/**
 * The list `name` of a request. Undefined when it was not sent. Keys of 1 to 128 and values of 0 to 256
 * characters, no two keys alike but for case.
 */
export function readTags(parameters: Parameters, name: string): Answered<readonly Tag[] | undefined> {
  const sent = parameters.structures(name);
  if (sent === undefined) return ok(undefined);
  if (sent.length > MOST_TAGS)
    return constraint(String(sent.length), "tags", `have length less than or equal to ${MOST_TAGS}`);
  const tags = sent.map((tag) => ({ key: tag.text("Key") ?? "", value: tag.text("Value") ?? "" }));
  for (const [index, tag] of tags.entries()) {
    const at = `tags.${index + 1}.member`;
    const key = checkKey(tag.key, `${at}.key`);
    if (!key.ok) return key;
    if (tag.value.length > 256)
      return constraint(tag.value, `${at}.value`, "have length less than or equal to 256");
    if (!CHARACTERS.test(tag.value)) return constraint(tag.value, `${at}.value`, pattern("*"));
  }
  const seen = new Set(tags.map((tag) => tag.key.toLowerCase()));
  if (seen.size !== tags.length)
    return fault(
      "InvalidParameterValue",
      "Duplicate tag keys found. Please note that Tag keys are case insensitive.",
    );
  const reserved = tags.find((tag) => tag.key.toLowerCase().startsWith("aws:"));
  if (reserved !== undefined) return invalid(`Tag key ${reserved.key} may not begin with the prefix aws:`);
  return ok(tags);
}

const pattern = (many: "+" | "*"): string =>
  `satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]${many}`;

export function checkKey(key: string, at: string): Answered<string> {
  if (key.length < 1) return constraint(key, at, "have length greater than or equal to 1");
  if (key.length > 128) return constraint(key, at, "have length less than or equal to 128");
  return CHARACTERS.test(key) ? ok(key) : constraint(key, at, pattern("+"));
}

type Context = Readonly<Record<string, ContextValue>>;

/** `aws:RequestTag/…` and `aws:TagKeys`; nothing at all where no tag is sent. */
export function requestTagContext(tags: readonly Tag[]): Context {
  if (tags.length === 0) return {};
  return {
    ...Object.fromEntries(tags.map((tag) => [`aws:RequestTag/${tag.key}`, tag.value])),
    "aws:TagKeys": tags.map((tag) => tag.key),
  };
}

export const tagKeysContext = (keys: readonly string[]): Context =>
  keys.length === 0 ? {} : { "aws:TagKeys": keys };

/** `over` wins where keys are alike but for case. */
export const mergeTags = (under: readonly Tag[], over: readonly Tag[]): readonly Tag[] => [
  ...under.filter((tag) => !over.some((other) => sameKey(other.key, tag.key))),
  ...over,
];

export const tagsOf = (record: Readonly<Record<string, string>> | undefined): readonly Tag[] =>
  Object.entries(record ?? {}).map(([key, value]) => ({ key, value }));

export const tagXml = (tags: readonly Tag[]): readonly { readonly Key: string; readonly Value: string }[] =>
  tags.map((tag) => ({ Key: tag.key, Value: tag.value }));
