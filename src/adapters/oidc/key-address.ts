/**
 * Which addresses keys may be fetched from. Judges the URL itself; a name that resolves to a metadata address is
 * stopped by https, for which that address has no certificate. Must never let through what it cannot place.
 */
import { BlockList, isIP } from "node:net";
import { err, ok, type Result } from "../../result.ts";

const METADATA = new BlockList();
METADATA.addSubnet("169.254.0.0", 16, "ipv4");
METADATA.addSubnet("0.0.0.0", 8, "ipv4");
METADATA.addSubnet("fe80::", 10, "ipv6");
METADATA.addAddress("fd00:ec2::254", "ipv6");
METADATA.addAddress("::", "ipv6");

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8, "ipv4");
LOOPBACK.addAddress("::1", "ipv6");

/** `err` is a sentence for the operator. Loopback, http or https, is for tests and needs the explicit option. */
export function keyAddress(
  address: string,
  dangerouslyAllowLoopbackHttpIssuers: boolean,
): Result<URL, string> {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url === null) return err("the address is not a URL");
  if (url.username !== "" || url.password !== "") return err("the address holds a password");
  // The URL parser has already turned 0xa9fea9fe and the like into dotted form.
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1").replace(/\.$/, "");
  const family = isIP(host) === 6 ? "ipv6" : "ipv4";
  const within = (list: BlockList): boolean => isIP(host) !== 0 && list.check(host, family);
  if (host === "" || within(METADATA) || host === "metadata.google.internal") {
    return err("the address is link-local, a metadata service or nobody's");
  }
  if (host === "localhost" || host.endsWith(".localhost") || within(LOOPBACK)) {
    const web = url.protocol === "http:" || url.protocol === "https:";
    return dangerouslyAllowLoopbackHttpIssuers && web ? ok(url) : err("the address is this machine's own");
  }
  return url.protocol === "https:" ? ok(url) : err("the address is not https");
}
