/**
 * How a session is named: its id, its STS session name and its tags. Pure: the random bytes are arguments. Never
 * takes text an agent sent; a registered agent's name is the only word of it AWS sees.
 */
import type { AgentName } from "../identity/agent.ts";
import type { AssumeRoleRequest } from "./assume-role.ts";

/** Bytes of randomness a session takes: 15 for its id, 5 for its STS session name. */
export const SESSION_RANDOM_BYTES = 20;
const ID_BYTES = 15;

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

/** RFC 4648 base32 in lower case, without padding. */
export function base32(bytes: Uint8Array): string {
  let text = "";
  let pending = 0;
  let bits = 0;
  for (const byte of bytes) {
    pending = (pending << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += ALPHABET.charAt((pending >>> bits) & 31);
    }
    pending &= (1 << bits) - 1;
  }
  return bits === 0 ? text : text + ALPHABET.charAt((pending << (5 - bits)) & 31);
}

export interface SessionName {
  /** `tks-` and 24 characters; also the STS SourceIdentity. */
  readonly id: string;
  /** `<agent>-` and 8 characters: at most 49 of the 64 STS takes. */
  readonly roleSessionName: string;
}

/** `random` is SESSION_RANDOM_BYTES fresh bytes; fewer is a bug, and an id that could repeat. */
export function nameSession(agent: AgentName, random: Uint8Array): SessionName {
  if (random.length !== SESSION_RANDOM_BYTES) throw new Error("a session takes 20 random bytes");
  return {
    id: `tks-${base32(random.subarray(0, ID_BYTES))}`,
    roleSessionName: `${agent}-${base32(random.subarray(ID_BYTES))}`,
  };
}

/** The tags that are known before there is a session: all but its own id. */
export function tagsBeforeMint(escalation: string | null): AssumeRoleRequest["tags"] {
  return sessionTags("", escalation).filter(({ key }) => key !== "twokey:session");
}

/** The session tags. Tags and policy share one packed budget, so they stay under 120 characters in all. */
export function sessionTags(id: string, escalation: string | null): AssumeRoleRequest["tags"] {
  const tags = [
    { key: "twokey:principal", value: "ai-agent" },
    { key: "twokey:session", value: id },
  ];
  return escalation === null ? tags : [...tags, { key: "twokey:escalation", value: escalation }];
}
