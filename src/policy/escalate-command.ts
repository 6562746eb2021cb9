/**
 * The exact command by which an agent that was refused asks two people instead. Its words are pasted into a shell and
 * shown in a terminal, so nothing an agent sent stands in it unless it is plain.
 */
import { PLAIN_VALUE } from "./parameters.ts";
import type { Template } from "./set.ts";

/**
 * e.g. `twokey escalation request production-stack-change --parameter stack=arn:… --account 111122223333 --reason "why"`.
 * What is not known yet stands as a word in capitals. `wish`: as the agent asked.
 */
export function escalateCommand(
  template: Pick<Template, "name" | "parameters">,
  wish: {
    readonly parameters: Readonly<Record<string, readonly string[]>>;
    readonly account: string | null;
  },
): string {
  const parameters = Object.entries(template.parameters).flatMap(([name, { optional }]) => {
    const given = Object.hasOwn(wish.parameters, name) ? (wish.parameters[name] ?? []) : [];
    const plain = given.filter((value) => PLAIN_VALUE.test(value));
    const known = plain.length === given.length && plain.length > 0;
    const values = known ? plain : optional ? [] : [name.toUpperCase()];
    return values.map((value) => `--parameter ${name}=${value}`);
  });
  const account = wish.account !== null && /^\d{12}$/.test(wish.account) ? [`--account ${wish.account}`] : [];
  return ["twokey escalation request", template.name, ...parameters, ...account, '--reason "why"'].join(" ");
}
