/**
 * Resources in words: `the stack orders-production`, `any stack`. Pure. The full ARNs always stand beside the words,
 * so a word may leave out an id, and never an account that is not the session's own.
 */
import { anyKind, kindName } from "./describe-words.ts";

/** More than these are counted; all stand in the ability's `resources`. */
const NAMED = 4;

/** `account`: the session's own. */
export function placesOf(service: string, resources: readonly string[], account: string): string {
  const named = [...new Set(resources.map((arn) => placeOf(service, arn, account)))];
  const more = named.length - NAMED;
  return listed(more > 1 ? [...named.slice(0, NAMED), `${more} more`] : named, "and");
}

function placeOf(service: string, arn: string, account: string): string {
  if (arn === "*") return `any ${anyKind(service)}`;
  const [scheme, , owner = service, , where = "", ...rest] = arn.split(":");
  if (scheme !== "arn" || rest.length === 0) return arn;
  const { kind, name } = partsOf(owner, rest.join(":"));
  const elsewhere = ["", "*", account].includes(where) ? "" : ` of account ${where}`;
  if (name === "" || /^\*+$/.test(name)) return `any ${kind}${elsewhere}`;
  return `${/[*?]/.test(name) ? "any" : "the"} ${kind}${/[*?]/.test(name) ? " named" : ""} ${name}${elsewhere}`;
}

/** The kind in words, and the name without ids that AWS made up. */
function partsOf(service: string, resource: string): { readonly kind: string; readonly name: string } {
  if (service === "s3") return bucketParts(resource);
  if (service === "sqs" || service === "sns") {
    return { kind: kindName(service, service === "sqs" ? "queue" : "topic"), name: resource };
  }
  const [, type = "", path = ""] = /^([^/:]+)[/:](.*)$/.exec(resource) ?? [];
  const kind = kindName(service, type);
  if (type === "") return { kind, name: resource };
  // stack/<name>/<id>; a role's name is the end of its path.
  if (service === "cloudformation" && type === "stack") return { kind, name: path.replace(/\/[^/]*$/, "") };
  return { kind, name: service === "iam" ? path.slice(path.lastIndexOf("/") + 1) : path };
}

/** `bucket/*` is the bucket: what is done says that it is done to objects. */
function bucketParts(resource: string): { readonly kind: string; readonly name: string } {
  const slash = resource.indexOf("/");
  const [bucket, key] =
    slash === -1 ? [resource, "*"] : [resource.slice(0, slash), resource.slice(slash + 1)];
  const kind = kindName("s3", "bucket");
  return { kind, name: key === "*" ? bucket : `${bucket}, under ${key}` };
}

/** "a, b or c". */
export function listed(texts: readonly string[], joint: "and" | "or"): string {
  if (texts.length < 2) return texts.join("");
  return `${texts.slice(0, -1).join(", ")} ${joint} ${texts.at(-1) ?? ""}`;
}
