/** Whether two policy documents say the same in the same words, however AWS wrote them down. Pure. */
import { canonicalJson } from "../digest.ts";

/** AWS gives a list of one back as its one text, and may give a list in another order. */
function plain(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = (value as readonly unknown[]).map(plain);
    if (items.length === 1) return items[0];
    return items.every((item) => typeof item === "string") ? items.toSorted() : items;
  }
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, plain(member)]));
}

export const sameDocument = (a: unknown, b: unknown): boolean =>
  canonicalJson(plain(a)) === canonicalJson(plain(b));
