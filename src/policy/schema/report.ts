/**
 * What zod found, in plain words and with its place in the file. Every field of a map is judged by itself, so
 * that one fault hides no other: what parsed is still cross-checked when its neighbour did not.
 */
import * as z from "zod";
import type { PolicyFault } from "../set.ts";
import { didYouMean, nearest } from "../suggest.ts";
import type { Path, Source } from "./yaml.ts";

/** Becomes "`key` is missing" where the key is known. */
const MISSING = "is missing";

/** A message with its fix, as one string: the only thing zod carries for every kind of issue. */
export function say(message: string, fix: string | null = null): string {
  return fix === null ? message : `${message}\n${fix}`;
}

/** A map with these keys and no others. An unknown key is answered with the nearest known one. */
export function mapOf<S extends z.ZodRawShape>(shape: S): z.ZodObject<S, z.core.$strict> {
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? Object.keys(shape)
            .filter((key) => !refusals.has(shape[key] as object))
            .join("\n")
        : undefined,
  });
}

const refusals = new WeakSet<object>();

/** A key that people will try and that is refused for a reason worth saying. */
export function refusedKey(message: string, fix: string): z.ZodOptional<z.ZodNever> {
  const schema = z.never({ error: say(message, fix) }).optional();
  refusals.add(schema);
  return schema;
}

/** A map that was read. `whole` when nothing in it is wrong; `parts` holds every field that parsed alone. */
export interface Item<T> {
  /** As written, faults and all. */
  readonly raw: unknown;
  readonly whole: T | null;
  readonly parts: { readonly [K in keyof T]?: T[K] | undefined };
  /** Whether the file leaves this key out (one that is there and faulty is not in `parts` either). */
  readonly absent: (key: keyof T & string) => boolean;
  /** Reports a fault at a path inside the map. */
  readonly fault: (path: Path, message: string, fix?: string | null, of?: "key" | "value") => void;
}

export function readItem<S extends z.ZodRawShape>(
  source: Source,
  path: Path,
  schema: z.ZodObject<S, z.core.$strict>,
  faults: PolicyFault[],
): Item<z.output<z.ZodObject<S>>> {
  type T = z.output<z.ZodObject<S>>;
  const raw = valueAt(source.raw, path);
  const parsed = schema.safeParse(raw, { error: words });
  if (!parsed.success) faults.push(...faultsOf(source, path, parsed.error.issues));
  const fault: Item<T>["fault"] = (inner, message, fix = null, of = "value") => {
    faults.push({ file: source.file, ...source.place([...path, ...inner], of), message, fix });
  };
  const absent: Item<T>["absent"] = (key) => isRecord(raw) && valueAt(raw, [key]) === undefined;
  if (parsed.success) return { raw, whole: parsed.data, parts: parsed.data, absent, fault };
  const parts: Record<string, unknown> = {};
  for (const [key, fieldSchema] of Object.entries(schema.shape)) {
    const field = (fieldSchema as unknown as z.ZodType).safeParse(isRecord(raw) ? raw[key] : undefined);
    if (field.success) parts[key] = field.data;
  }
  return { raw, whole: null, parts: parts as Item<T>["parts"], absent, fault };
}

/** A file that holds lists: it is a map, it has exactly these keys. The lists are read one map at a time. */
export function checkKeys(source: Source | undefined, keys: readonly string[], faults: PolicyFault[]): void {
  if (source === undefined) return;
  readItem(source, [], mapOf(Object.fromEntries(keys.map((key) => [key, present]))), faults);
}

/** Whatever it is: another schema judges it. */
export const present = z
  .unknown()
  .refine((value) => value !== undefined && value !== null, { error: MISSING });

/** The maps of the list at `key` of the file. The list's own faults are reported here; `least` 0 lets it be empty. */
export function readList(
  source: Source,
  key: string,
  options: { readonly least: number },
  faults: PolicyFault[],
): readonly Path[] {
  const list = valueAt(source.raw, [key]) ?? undefined;
  if (!Array.isArray(list) || list.length < options.least) {
    if (list !== undefined) {
      const message = Array.isArray(list) ? `\`${key}\` is empty` : `\`${key}\` must be a list`;
      faults.push({ file: source.file, ...source.place([key], "key"), message, fix: null });
    }
    return [];
  }
  return list.map((_, index) => [key, index]);
}

/** The field of every item, or null when one of them could not be read: then nothing can be called unknown. */
export function everyField<T, K extends keyof T>(
  items: readonly Pick<Item<T>, "parts">[] | null,
  key: K,
): readonly T[K][] | null {
  const values = (items ?? []).flatMap(({ parts }) => (parts[key] === undefined ? [] : [parts[key]]));
  return items === null || values.length < items.length ? null : values;
}

export function valueAt(raw: unknown, path: Path): unknown {
  let value = raw;
  for (const step of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[step];
  }
  return value;
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function faultsOf(source: Source, base: Path, issues: readonly z.core.$ZodIssue[]): readonly PolicyFault[] {
  const unknown = issues
    .filter((issue) => issue.code === "unrecognized_keys")
    .flatMap((issue) => issue.keys.map((key) => ({ at: issue.path, key, known: issue.message.split("\n") })));
  // Whoever wrote `onwer` hears of that, and not that `owner` is missing as well.
  const meant = new Set(unknown.map(({ at, key, known }) => JSON.stringify([...at, nearest(key, known)])));
  const others = issues.filter(
    (issue) =>
      issue.code !== "unrecognized_keys" &&
      !(wordsOf(issue).message === MISSING && meant.has(JSON.stringify(issue.path))),
  );
  return [
    ...unknown.map(({ at, key, known }) => ({
      file: source.file,
      ...source.place([...base, ...at, key], "key"),
      message: `unknown key \`${key}\``,
      fix: didYouMean(key, known) ?? `known here: ${known.join(", ")}`,
    })),
    ...others.map((issue) => faultOf(source, base, issue)),
  ];
}

function wordsOf(issue: z.core.$ZodIssue): { readonly message: string; readonly fix: string | null } {
  const [message = "", fix = null] = issue.message.split("\n");
  return { message, fix };
}

function faultOf(source: Source, base: Path, issue: z.core.$ZodIssue): PolicyFault {
  const { message, fix } = wordsOf(issue);
  const byKey = issue.code === "invalid_key" || (issue.code === "invalid_type" && issue.expected === "never");
  return {
    file: source.file,
    ...source.place([...base, ...issue.path], byKey ? "key" : "value"),
    message: message === MISSING ? `\`${String(issue.path.at(-1) ?? "this")}\` ${MISSING}` : message,
    fix,
  };
}

/** Zod's error map: used wherever a schema has no words of its own. */
function words(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      if (issue.input === undefined || issue.input === null) return MISSING;
      return `must be ${NOUNS[issue.expected] ?? issue.expected}, not ${nounOf(issue.input)}`;
    case "invalid_value": {
      const options = issue.values.map(String);
      const guess = typeof issue.input === "string" ? nearest(issue.input, options) : null;
      if (issue.input === undefined) return say(MISSING, `one of: ${options.join(", ")}`);
      return say(
        options.length === 1 ? `must be \`${options.join("")}\`` : `must be one of: ${options.join(", ")}`,
        guess === null ? null : `did you mean \`${guess}\`?`,
      );
    }
    case "too_small":
      if (issue.origin === "array") return "must not be empty";
      return issue.origin === "string" ? "must not be empty" : `must be at least ${issue.minimum}`;
    case "too_big":
      if (issue.origin === "array") return `has more than ${issue.maximum} entries`;
      return issue.origin === "string"
        ? `is longer than ${issue.maximum} characters`
        : `must be at most ${issue.maximum}`;
    case "invalid_key":
      return issue.issues[0]?.message ?? "cannot be used as a key";
    // These carry the words of their own schema.
    case "custom":
    case "invalid_format":
    case "unrecognized_keys":
    case "not_multiple_of":
    case "invalid_union":
    case "invalid_element":
      return issue.message ?? "is not valid";
  }
}

const NOUNS: Readonly<Record<string, string>> = {
  string: "text",
  int: "a whole number",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "a map of keys",
  record: "a map of keys",
};

function nounOf(input: unknown): string {
  if (Array.isArray(input)) return "a list";
  return NOUNS[typeof input] ?? "that";
}
