/** Lists in pages. A token is the offset of the next page; one that was never handed out is refused. */
import { ok } from "../result.ts";
import { type Answered, invalid } from "./fault.ts";

export interface Page<T> {
  readonly items: readonly T[];
  /** Undefined on the last page. */
  readonly next: string | undefined;
}

export function page<T>(all: readonly T[], token: string | undefined, size: number): Answered<Page<T>> {
  let from = 0;
  if (token !== undefined) {
    const text = Buffer.from(token, "base64url").toString("latin1");
    if (!/^from:\d{1,9}$/.test(text)) return invalid("The page token is invalid.");
    from = Number(text.slice(5));
  }
  const to = from + size;
  return ok({
    items: all.slice(from, to),
    next: to < all.length ? Buffer.from(`from:${to}`, "latin1").toString("base64url") : undefined,
  });
}
