/** The kinds of values that settings have, read from text. */
import { z } from "zod";

const LISTEN = /^(?:\[([0-9a-fA-F:]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/;
export const listen = z.string().transform((text, context) => {
  const [, v6, name, port] = LISTEN.exec(text) ?? [];
  const host = v6 ?? name;
  if (host !== undefined && Number(port) <= 65_535) return { host, port: Number(port) };
  context.issues.push({
    code: "custom",
    message: "is <address>:<port>, such as 127.0.0.1:8787",
    input: text,
  });
  return z.NEVER;
});

const DELAY = /^(\d{1,6})([smhd])$/;
const UNIT_SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
export const delay = z.string().transform((text, context) => {
  const [, count, unit] = DELAY.exec(text) ?? [];
  const seconds = Number(count) * (UNIT_SECONDS[unit ?? ""] ?? Number.NaN);
  if (seconds <= 7 * 86_400) return seconds;
  context.issues.push({ code: "custom", message: "is 0s to 7d, such as 24h", input: text });
  return z.NEVER;
});

/** Browsers know passkeys on https and on localhost only. */
export const origin = z.string().refine(
  (text) => {
    if (!URL.canParse(text)) return false;
    const { protocol, hostname, pathname, search, hash, username } = new URL(text);
    const safe = protocol === "https:" || (protocol === "http:" && hostname === "localhost");
    return safe && pathname === "/" && search + hash + username === "";
  },
  { error: "is an origin such as https://twokey.example.com, or http://localhost:<port>" },
);

export const flag = z
  .enum(["true", "false"], { error: "is true or false" })
  .transform((text) => text === "true");

export const url = (schemes: readonly string[]) =>
  z.string().refine((text) => URL.canParse(text) && schemes.includes(new URL(text).protocol.slice(0, -1)), {
    error: `is a URL with ${schemes.join(" or ")}`,
  });

export function milliseconds(minSeconds: number, maxSeconds: number, error: string) {
  return z
    .string()
    .regex(/^\d{1,4}[sm]$/, { error })
    .transform((text) => Number(text.slice(0, -1)) * (text.endsWith("m") ? 60_000 : 1000))
    .refine((ms) => ms >= minSeconds * 1000 && ms <= maxSeconds * 1000, { error });
}

export const path = z.string().min(1, { error: "is a folder" });
