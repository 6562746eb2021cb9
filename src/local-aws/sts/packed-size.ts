/**
 * The packed size of a session's policies and tags, in percent. AWS does not publish its formula; this one is
 * made from what was reported of it: about 450 characters of tags fill the budget (nine tags of 252 characters
 * gave 498%), and policies count by what compression leaves of them, so that a policy near the limit of 2,048
 * characters fits when it reads like one and does not when it is noise.
 */
import { deflateRawSync } from "node:zlib";
import type { Tag } from "../tags.ts";

const TAG_CHARACTERS = 450;
const POLICY_BYTES = 1_200;

export function packedSize(parts: {
  readonly policy: string | null;
  readonly policyArns: readonly string[];
  readonly tags: readonly Tag[];
}): number {
  const tags = parts.tags.reduce((sum, tag) => sum + tag.key.length + tag.value.length, 0);
  const text = [parts.policy ?? "", ...parts.policyArns].join("\n").trim();
  const policies = text === "" ? 0 : deflateRawSync(text, { level: 9 }).length;
  return Math.ceil(100 * (tags / TAG_CHARACTERS + policies / POLICY_BYTES));
}
