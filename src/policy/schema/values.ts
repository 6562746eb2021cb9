/**
 * The shapes of single values in the security team's files: names, ids, ARNs, durations. One place for each, so
 * that no file reads the same thing in two ways.
 */
import * as z from "zod";
import { asWritten } from "./as-written.ts";
import { say } from "./report.ts";

/** One line of text. */
export const line = (longest: number): z.ZodString =>
  z
    .string()
    .min(1, { abort: true })
    .max(longest)
    .regex(/^\S(?:[^\r\n\t]*\S)?$/, {
      error: say("must be one line without spaces at its ends"),
    });

export const prose = z.string().min(1, { abort: true }).max(2000);

/** Names end up on command lines and in file names: `--help`, `-x` and `../x` cannot be one. */
export const agentName = z.string().regex(/^[a-z][a-z0-9-]{1,39}$/, {
  error: say("is not an agent's name", "use 2 to 40 of a-z, 0-9 and `-`, a letter first"),
});
export const templateName = z.string().regex(/^[a-z][a-z0-9-]{1,62}$/, {
  error: say("is not a template's name", "use 2 to 63 of a-z, 0-9 and `-`, a letter first"),
});
export const id = z.string().regex(/^[a-z][a-z0-9._-]{1,62}$/, {
  error: say("is not an id", "use 2 to 63 of a-z, 0-9, `.`, `_` and `-`, a letter first"),
});
export const parameterName = z.string().regex(/^[a-z][a-z0-9_]{0,31}$/, {
  error: say("is not a parameter's name", "use 1 to 32 of a-z, 0-9 and `_`, a letter first"),
});

export const accountId = z
  .string({
    error: (issue) =>
      typeof issue.input === "number"
        ? say("is a number here, and may lose digits", `quote it: "${String(issue.input).padStart(12, "0")}"`)
        : undefined,
  })
  .regex(/^\d{12}$/, { error: say("is not an account id", "write its twelve digits in quotes") });

/** `all` as null, or account ids. */
export const accounts = asWritten(
  z.preprocess(
    (value) => (value === "all" ? null : (value ?? undefined)),
    z
      .array(accountId, {
        error: (issue) =>
          issue.input === undefined
            ? undefined
            : say("must be `all` or a list of account ids", "accounts: all"),
      })
      .min(1)
      .max(500)
      .nullable(),
  ),
  () => ({
    anyOf: [
      { const: "all" },
      { type: "array", items: { type: "string", pattern: "^\\d{12}$" }, minItems: 1, maxItems: 500 },
    ],
  }),
);

export const region = z.string().regex(/^[a-z]{2,4}(?:-[a-z]+){1,2}-\d{1,2}$/, {
  error: say("is not a region", "such as us-east-1"),
});

export const externalId = z.string().regex(/^[\w+=,.@:/-]{2,1224}$/, {
  error: say("is not an external id", "use 2 to 1224 of letters, digits and _+=,.@:/-"),
});

export const roleArn = z
  .string()
  .regex(/^arn:aws(?:-cn|-us-gov)?:iam::\d{12}:role\/(?:[\w+=,.@-]+\/)*[\w+=,.@-]{1,64}$/, {
    error: say("is not the ARN of a role", "such as arn:aws:iam::111122223333:role/twokey/ai-observer"),
  });

/** What a tag key or value may hold. No wildcard is among it. */
export const TAG_TEXT = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$/u;

/** Seconds from `15m`, `1h`, `60s` or a whole number of seconds. */
export const duration = (least: number, most: number): z.ZodType<number> =>
  asWritten(durationSeconds(least, most), () => ({
    anyOf: [
      { type: "string", pattern: "^\\d{1,6}[smh]$" },
      { type: "integer", minimum: least, maximum: most },
    ],
  }));

const durationSeconds = (least: number, most: number): z.ZodType<number> =>
  z.preprocess(
    (value) => (typeof value === "string" ? secondsOf(value) : (value ?? undefined)),
    z
      .int({
        error: (issue) =>
          issue.input === undefined
            ? undefined
            : say("is not a duration", "write it as 15m, 1h or 900 (seconds)"),
      })
      .min(least, { error: say(`is shorter than ${wordsOf(least)}`) })
      .max(most, { error: say(`is longer than ${wordsOf(most)}`) }),
  );

function secondsOf(text: string): number | string {
  const [, count, unit] = /^(\d{1,6})([smh])$/.exec(text) ?? [];
  if (count === undefined) return text;
  return Number(count) * (unit === "h" ? 3600 : unit === "m" ? 60 : 1);
}

function wordsOf(seconds: number): string {
  if (seconds % 3600 === 0) return `${seconds / 3600}h`;
  return seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`;
}

/** A single value stands for a list of one, as in IAM. */
export const oneOrMany = <T extends z.ZodType>(
  schema: T,
  most: number,
): z.ZodPipe<z.ZodTransform, z.ZodArray<T>> =>
  asWritten(
    z.preprocess(
      (value: unknown) =>
        (Array.isArray(value) || value === undefined
          ? value
          : value === null
            ? undefined
            : [value]) as unknown,
      z.array(schema).min(1).max(most),
    ) as z.ZodPipe<z.ZodTransform, z.ZodArray<T>>,
    (list) => ({ anyOf: [list["items"] ?? {}, list] }),
  );

/** An address keys or tokens come from: https, never a link-local one; http on this machine alone. */
export const address = line(512).refine(isAddress, {
  error: say("is not an https address", "use https:// with a public host name"),
});

/** Where a cloud machine's metadata answers: whoever reads keys from there reads the machine's own secrets. */
const LINK_LOCAL = /^(?:169\.254\.|\[fe[89ab]|\[fd00:ec2:|0\.|\[::\]|\[::ffff:)/;

function isAddress(text: string): boolean {
  if (!/^https?:\/\/[!-~]+$/.test(text) || !URL.canParse(text)) return false;
  const url = new URL(text);
  if (url.username !== "" || url.password !== "" || LINK_LOCAL.test(url.hostname)) return false;
  return url.protocol === "https:" || /^(?:localhost|127\.0\.0\.1|\[::1\])$/.test(url.hostname);
}
