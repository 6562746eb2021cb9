/** `twokey escalation request`: asks people once, and shows what they must be told. */
import { Command } from "commander";
import { ACCESS_FLAGS, accessOrUsage, addFlags, complain } from "../agent-flags.ts";
import { asked, json } from "./view.ts";
import { watch } from "./watch.ts";
import { addWish, ask, wishOrUsage, type WishOptions } from "./wish.ts";

interface RequestOptions extends WishOptions {
  readonly wait?: true;
  readonly json?: true;
}

export function requestCommand(): Command {
  const command = addWish(new Command("request").argument("<template>", "escalation template to ask for"));
  return addFlags(command, ["account", "task", "taskId", ...ACCESS_FLAGS])
    .description("ask the people who decide for exactly one session")
    .option("--duration <time>", "seconds, or text such as 15m; else the template's own")
    .option("--intent <intent>", "observe, change or destroy; else the template's own")
    .option("--wait", "wait for the decision, and exit as `twokey escalation wait` does")
    .option("--json", "print the API's answer as a line of JSON; with --wait, the last one as well")
    .addHelpText(
      "after",
      `
A request cannot be changed afterwards. The same request while one waits joins it.

Example:
  twokey escalation request production-stack-change \\
    --parameter stack=arn:aws:cloudformation:us-east-1:111122223333:stack/orders-production/1 \\
    --parameter change_set=arn:aws:cloudformation:us-east-1:111122223333:changeSet/twokey-fix/2 \\
    --reason "Orders are processed twice; the change set sets the visibility timeout" --wait`,
    )
    .action(async (template: string, options: RequestOptions, self: Command) => {
      process.exitCode = await run(template, options, self);
    });
}

async function run(template: string, options: RequestOptions, self: Command): Promise<number> {
  const access = accessOrUsage(self, options);
  const requested = await ask(access, wishOrUsage(self, template, options));
  if (!requested.ok) {
    complain(requested.error);
    return 1;
  }
  const answer = requested.value;
  process.stdout.write(`${options.json ? json(answer) : asked(answer, new Date(), bold)}\n`);
  if (options.wait) return watch(access, answer.id, { until: null, json: options.json === true });
  if (!options.json) process.stdout.write(`\nThen: twokey exec --escalation ${answer.id} -- <command>\n`);
  return 0;
}

const bold = (text: string): string =>
  process.stdout.isTTY && process.env["NO_COLOR"] === undefined ? `\u001b[1m${text}\u001b[0m` : text;
