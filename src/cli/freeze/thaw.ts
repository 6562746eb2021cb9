/**
 * The waiting of `twokey thaw`: asks what is frozen now and then until the named thing is not. Thaws nothing itself.
 */
import { Command } from "commander";
import { setTimeout as pause } from "node:timers/promises";
import type { FreezesAnswer, FreezeView } from "../../api.ts";
import { listFreezes, type OperatorAccess } from "../../client/operator.ts";
import { inert, type Refusal } from "../../client/refusal.ts";
import { err, ok, type Result } from "../../result.ts";
import { complain } from "../agent-flags.ts";
import { json } from "../escalation/view.ts";
import { accessOrUsage, addOperatorFlags, type Kind, type OperatorOptions } from "./operator-flags.ts";
import { target } from "./view.ts";

interface ThawOptions extends OperatorOptions {
  readonly wait: boolean;
}

type Named = Pick<FreezeView, "kind" | "name">;

/** Often enough for somebody who watches, seldom enough for the broker. */
const POLL_MS = 2_000;

export function thawCommand(kind: Kind): Command {
  const command = new Command(kind);
  if (kind !== "all") command.argument("<name>", `the ${kind} as it was frozen`);
  return addOperatorFlags(command)
    .description(
      kind === "all"
        ? "wait until two administrators thaw everything"
        : `wait until people thaw ${KINDS[kind]}`,
    )
    .option("--no-wait", "say where people thaw, and end")
    .addHelpText("after", "\nExits 0 once it is thawed (with --no-wait, at once), 1 when it is not frozen.")
    .action(async (...[first]: readonly unknown[]) => {
      const name = kind === "all" ? null : String(first);
      process.exitCode = await run({ kind, name }, command.opts<ThawOptions>(), command);
    });
}

const KINDS = { session: "a session", agent: "an agent", template: "a template" } as const;

async function run(named: Named, options: ThawOptions, command: Command): Promise<number> {
  const access = accessOrUsage(command, options);
  const found = await listFreezes(access);
  if (!found.ok) return refusedWith(found.error);
  const freeze = freezeOf(found.value, named);
  if (freeze === null) {
    process.stderr.write(`twokey: ${target(named)} is not frozen. What is: twokey freeze ls\n`);
    return 1;
  }
  // With --json standard output is for the API's answer alone.
  (options.json ? process.stderr : process.stdout).write(`${howToThaw(freeze, found.value.url)}\n`);
  const last = options.wait ? await untilThawed(access, named) : found;
  if (!last.ok) return refusedWith(last.error);
  if (options.json) process.stdout.write(`${json(last.value)}\n`);
  else if (options.wait) process.stdout.write(`${target(named)} is thawed.\n`);
  return 0;
}

const freezeOf = ({ freezes }: FreezesAnswer, { kind, name }: Named): FreezeView | null =>
  freezes.find((freeze) => freeze.kind === kind && freeze.name === name) ?? null;

function howToThaw(freeze: FreezeView, url: string): string {
  const { kind, first_key } = freeze;
  const key = first_key === null ? "" : ` The key of ${inert(first_key)} lies there.`;
  const who =
    kind === "all"
      ? `Two administrators thaw it, each with a passkey, the second within an hour of the first.${key}`
      : kind === "template"
        ? "An administrator thaws it, with a passkey."
        : "An administrator who does not own the agent behind it thaws it, with a passkey.";
  return `${target(freeze)} is frozen. The operators' token cannot thaw.\n${who}\n\n  ${inert(url)}\n`;
}

/** A broker that does not answer now may answer later; one that refuses will refuse again. */
async function untilThawed(access: OperatorAccess, named: Named): Promise<Result<FreezesAnswer, Refusal>> {
  let told = false;
  for (;;) {
    await pause(POLL_MS);
    const found = await listFreezes(access);
    if (found.ok && freezeOf(found.value, named) === null) return ok(found.value);
    if (found.ok) told = false;
    else if (found.error.kind === "refused") return err(found.error);
    else if (!told) {
      told = true;
      process.stderr.write(`twokey: ${found.error.detail} Trying again.\n`);
    }
  }
}

function refusedWith(error: Refusal): number {
  complain(error);
  return 1;
}
