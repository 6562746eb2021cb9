/** `twokey policy diff`: what one policy folder means against another. Reads both and reports. */
import { Command } from "commander";
import type { Change, PolicyDiff } from "../../policy/diff.ts";
import { refuse } from "./open-template.ts";
import { paint, wrap } from "./paint.ts";

interface DiffOptions {
  readonly exitCode?: true;
  readonly json?: true;
}

const HELP = `
Compares meaning, not text: for each template, actions and where they reach; the guardrails; who may ask; who decides.
Gains come first and are red: whatever an AI session could not do, or not as easily, with the old folder.
Lines begin with + (gained), - (lost) or ~ (changed, neither more nor less).

Example, before a change of policies/ is merged:
  git worktree add ../before origin/main
  twokey policy diff ../before/policies policies --exit-code

Exit code: 0 compared, 1 faults in a folder (or, with --exit-code, something was gained), 2 wrong usage.`;

export function diffCommand(): Command {
  return new Command("diff")
    .description("tell what one policy folder lets AI sessions do that another does not")
    .argument("<old>", "the folder as it was")
    .argument("<new>", "the folder as it would be")
    .option("--exit-code", "exit 1 when anything is gained")
    .option("--json", "print the result as JSON")
    .addHelpText("after", HELP)
    .action(async (before: string, after: string, options: DiffOptions) => {
      const { actionTable, loadPolicy } = await import("../../wire/tools.ts");
      const [then, now] = [await loadPolicy(before), await loadPolicy(after)];
      if (!then.ok || !now.ok) {
        const faults = [
          ...(then.ok ? [] : then.error.map((fault) => `${before}: ${fault}`)),
          ...(now.ok ? [] : now.error.map((fault) => `${after}: ${fault}`)),
        ];
        refuse(faults, options.json);
        return;
      }
      const { diffPolicies } = await import("../../policy/diff.ts");
      const diff = diffPolicies(then.value, now.value, actionTable());
      process.stdout.write(`${options.json === true ? JSON.stringify(diff, null, 2) : asText(diff)}\n`);
      const gained = diff.changes.some(({ direction }) => direction === "gained");
      if (gained && options.exitCode === true) process.exitCode = 1;
    });
}

const SIGNS = { gained: "+", lost: "-", changed: "~" } as const;
const COLOURS = { gained: "red", lost: "green", changed: "dim" } as const;

function asText({ before, after, changes }: PolicyDiff): string {
  const gained = changes.filter(({ direction }) => direction === "gained").length;
  const lost = changes.filter(({ direction }) => direction === "lost").length;
  const sum = changes.length === 0 ? "no difference in meaning" : `${gained} gained, ${lost} lost`;
  return [...changes.map(line), "", `${sum} (${before.slice(0, 12)} → ${after.slice(0, 12)})`]
    .slice(changes.length === 0 ? 1 : 0)
    .join("\n");
}

function line({ direction, subject, what, reach }: Change): string {
  const text = `${SIGNS[direction]} ${subject}: ${reach === null ? "" : "may "}${what}`;
  return paint(COLOURS[direction], wrap(text, 4));
}
