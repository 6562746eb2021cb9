/** Ids and secrets in the shapes AWS gives them, out of randomness that is an argument. */

/** `bytes` of cryptographic randomness. */
export type Random = (bytes: number) => Buffer;

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** Each character is five uniform bits. */
const base32 = (random: Random, length: number): string =>
  [...random(length)].map((byte) => BASE32.charAt(byte & 31)).join("");

/** e.g. `AROA…` for roles, `ANPA…` for policies, `ASIA…` for temporary keys: 4 and 17 (or 16) characters. */
export const uniqueId = (random: Random, prefix: "AROA" | "ANPA" | "AIDA"): string =>
  prefix + base32(random, 17);
export const temporaryKeyId = (random: Random): string => `ASIA${base32(random, 16)}`;
export const physicalSuffix = (random: Random): string => base32(random, 12);

export function uuid(random: Random): string {
  const bytes = random(16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

export const secretKey = (random: Random): string => random(30).toString("base64");
export const sessionToken = (random: Random): string => `IQoJ${random(192).toString("base64")}`;
