/** Reading the record: an infrastructure that is lost becomes the one answer there is for it. */
import type { Failure } from "../failure.ts";
import { err, ok, type Result } from "../result.ts";

/** What `read` resolves to, or that the record could not be read. */
export async function readRecord<T>(read: () => Promise<T>): Promise<Result<T, Failure>> {
  try {
    return ok(await read());
  } catch {
    return err({ code: "record_unavailable", step: "read" });
  }
}
