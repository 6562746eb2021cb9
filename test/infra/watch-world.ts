/** Watch with the shipped guardrails, for the tests. */
import { App } from "aws-cdk-lib";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { WatchStack, type WatchStackProps } from "../../infra/watch-stack.ts";
import { ACCOUNT, AI_ROLES, REGION } from "./broker-world.ts";

export const BROKER = "AROAEXAMPLEBROKER0001";

const guardrails = parse(
  readFileSync(join(import.meta.dirname, "../../policies/guardrails.yaml"), "utf8"),
) as { readonly floor: readonly string[] };
export const FLOOR = guardrails.floor;

export function watchStack(changes: Partial<WatchStackProps> = {}): WatchStack {
  return new WatchStack(new App(), "Watch", {
    env: { account: ACCOUNT, region: REGION },
    aiRoles: AI_ROLES,
    brokerRoleId: BROKER,
    floor: FLOOR,
    environmentTag: "environment",
    relayAccount: null,
    ...changes,
  });
}
