/** A page with what stands around it. */
import type { Failure } from "../../failure.ts";
import type { Broker } from "../../flows/admit.ts";
import type { Viewer } from "../../flows/admit-person.ts";
import { showFrame } from "../../flows/show-frame.ts";
import { ok, type Result } from "../../result.ts";
import type { Frame } from "../../ui/page-data.ts";

/** `here`: the entry of the navigation that is open. A refused `data` is the page's answer. */
export async function framed<T>(
  broker: Broker,
  viewer: Viewer,
  here: Frame["here"],
  page: { readonly data: Promise<Result<T, Failure>>; readonly draw: (data: T, frame: Frame) => string },
): Promise<Result<string, Failure>> {
  const [data, around] = await Promise.all([page.data, showFrame(broker, viewer)]);
  if (!data.ok) return data;
  if (!around.ok) return around;
  return ok(page.draw(data.value, { ...around.value, here }));
}
