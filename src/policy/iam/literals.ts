/**
 * Reads the typed values that conditions compare: numbers, dates, booleans, base64, IP ranges. Anything unclear is
 * null; the caller decides what that means.
 */

export function readNumber(text: string): number | null {
  return /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/.test(text) ? Number(text) : null;
}

export function readBoolean(text: string): boolean | null {
  return /^true$/i.test(text) ? true : /^false$/i.test(text) ? false : null;
}

const ISO = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(\.\d+)?)?(Z|[+-]\d\d:\d\d))?)?)?$/;

/**
 * Milliseconds since 1970. Takes the W3C forms of ISO 8601 (a date without a time is UTC, a time needs its zone) and
 * whole or fractional epoch seconds. Four digits are a year.
 */
export function readDate(text: string): number | null {
  const iso = ISO.exec(text);
  if (iso === null) return /^\d+(?:\.\d+)?$/.test(text) ? Number(text) * 1000 : null;
  const [
    ,
    year,
    month = "01",
    day = "01",
    hour = "00",
    minute = "00",
    second = "00",
    fraction = "0",
    zone = "Z",
  ] = iso;
  const [y, mo, d] = [Number(year), Number(month), Number(day)];
  const [h, mi, s] = [Number(hour), Number(minute), Number(second)];
  const midnight = new Date(0).setUTCFullYear(y, mo - 1, d);
  const read = new Date(midnight);
  if (read.getUTCMonth() !== mo - 1 || read.getUTCDate() !== d || h > 23 || mi > 59 || s > 59) return null;
  const offset = zone === "Z" ? 0 : Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4));
  const minutes = h * 60 + mi - (zone.startsWith("-") ? -offset : offset);
  return midnight + minutes * 60_000 + (s + Number(fraction)) * 1000;
}

/** Base64 in one spelling, so that equal bytes are equal texts. */
export function readBase64(text: string): string | null {
  return /^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.replace(/=+$/, "").length % 4 !== 1
    ? Buffer.from(text, "base64").toString("base64")
    : null;
}

/** 4 or 16 bytes and how many leading bits count. */
export interface IpRange {
  readonly bytes: readonly number[];
  readonly bits: number;
}

/** An address, or a range in CIDR form. An address alone is the range of itself. */
export function readIpRange(text: string): IpRange | null {
  const [address = "", prefix, ...more] = text.split("/");
  const bytes = address.includes(":") ? readIpv6(address) : readIpv4(address);
  if (bytes === null || more.length > 0) return null;
  const all = bytes.length * 8;
  if (prefix === undefined) return { bytes, bits: all };
  const bits = /^\d{1,3}$/.test(prefix) ? Number(prefix) : Infinity;
  return bits <= all ? { bytes, bits } : null;
}

export function ipRangeHolds(range: IpRange, address: IpRange): boolean {
  if (range.bytes.length !== address.bytes.length || address.bits < range.bits) return false;
  return range.bytes.every((byte, at) => {
    const bits = Math.min(8, Math.max(0, range.bits - at * 8));
    const mask = (0xff << (8 - bits)) & 0xff;
    return (byte & mask) === ((address.bytes[at] ?? 0) & mask);
  });
}

function readIpv4(text: string): number[] | null {
  const parts = text.split(".");
  // No leading zeros: some readers take them for octal.
  const good =
    parts.length === 4 && parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256);
  return good ? parts.map(Number) : null;
}

function readIpv6(text: string): number[] | null {
  const halves = text.split("::");
  // A dotted IPv4 tail is the last thing in the address.
  if (halves.length > 2 || /\..*:/.test(text)) return null;
  const sides = halves.map((half) => (half === "" ? [] : half.split(":")).map(readIpv6Group));
  const [head = [], tail = []] = sides.map((side) => side.flatMap((group) => group ?? [NaN]));
  const missing = 16 - head.length - tail.length;
  const bytes = [...head, ...new Array<number>(Math.max(0, missing)).fill(0), ...tail];
  const complete = halves.length === 2 ? missing >= 2 : missing === 0;
  return complete && !bytes.some(Number.isNaN) ? bytes : null;
}

/** Two bytes, or four where the group is a dotted IPv4 tail. */
function readIpv6Group(group: string): number[] | null {
  if (group.includes(".")) return readIpv4(group);
  if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return null;
  const value = parseInt(group, 16);
  return [value >> 8, value & 0xff];
}
