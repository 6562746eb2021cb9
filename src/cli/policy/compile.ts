/** `twokey policy compile`: what the broker would send to STS for a template and its values. Asks nobody, mints nothing. */
import { Command } from "commander";
import type { IssuePlan } from "../../policy/decide.ts";
import {
  openTemplate,
  problemsOf,
  refuse,
  withTemplateOptions,
  type TemplateOptions,
} from "./open-template.ts";

const HELP = `
Prints {policy, policyArns, size, tags, duration}: the session policy as the JSON text that STS gets, the managed
policies beside it, the text's size in characters (STS takes 2048), the session tags (each session also carries
twokey:session, its own id, and an escalated one twokey:escalation), and the default duration in seconds.

Example:
  twokey policy compile data-repair --param table=orders --account 111122223333 --json

Exit code: 0 compiled, 1 refused or faults in the folder, 2 wrong usage.`;

export function compileCommand(): Command {
  return withTemplateOptions(
    new Command("compile").description("print the session policy a template becomes with these values"),
  )
    .addHelpText("after", HELP)
    .action(async (name: string, options: TemplateOptions) => {
      const open = await openTemplate(name, options);
      if (open === null) return;
      const { planSession } = await import("../../policy/decide.ts");
      const wish = {
        account: options.account ?? null,
        parameters: options.param ?? {},
        durationSeconds: null,
      };
      const plan = planSession(open.prepared, wish, open.policy);
      if (!plan.ok) {
        refuse(problemsOf(plan.error), options.json);
        return;
      }
      const { constantSessionTags } = await import("../../wire/tools.ts");
      const result = compileResult(plan.value, constantSessionTags());
      process.stdout.write(`${options.json === true ? JSON.stringify(result, null, 2) : asText(result)}\n`);
    });
}

export interface CompileResult {
  /** JSON text: the bytes STS is sent. */
  readonly policy: string;
  readonly policyArns: readonly string[];
  /** Characters of `policy`. */
  readonly size: number;
  readonly tags: readonly { readonly key: string; readonly value: string }[];
  /** Seconds. */
  readonly duration: number;
}

function compileResult(
  { compiled: { policy, policyArns }, durationSeconds }: IssuePlan,
  tags: CompileResult["tags"],
): CompileResult {
  return { policy, policyArns, size: policy.length, tags, duration: durationSeconds };
}

function asText({ policy, policyArns, size, tags, duration }: CompileResult): string {
  return [
    JSON.stringify(JSON.parse(policy), null, 2),
    "",
    `${size} of 2048 characters${policyArns.map((arn) => `\nwith ${arn}`).join("")}`,
    `tags ${tags.map(({ key, value }) => `${key}=${value}`).join(" ")}, for ${duration} seconds`,
  ].join("\n");
}
