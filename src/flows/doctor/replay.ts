/** Puts the proof's critical cases to IAM's simulator, template by template: `twokey doctor --simulate`. */
import { saidBy } from "../../policy/doctor/aws.ts";
import { odd, type Finding } from "../../policy/doctor/finding.ts";
import { fixFor } from "../../policy/doctor/needs.ts";
import { judgeReplay, replayOf } from "../../policy/doctor/replay.ts";
import type { Account } from "../../policy/set.ts";
import type { Doctor } from "./ports.ts";

export async function* theReplay({ policy, aws }: Doctor, account: Account): AsyncGenerator<Finding> {
  for (const prepared of policy.templates.values()) {
    const questions = replayOf(prepared, policy, account);
    if (questions === null) continue;
    const answered = [];
    for (const question of questions) {
      const answers = await aws.simulate(account.region, question.simulation);
      if (!answers.ok) {
        // The simulator is one for all templates: what it refuses once it refuses again.
        const line = `not replayed: ${saidBy(answers.error)}`;
        yield odd("simulate", { account: account.id, role: null }, line, fixFor(answers.error, "*"));
        return;
      }
      answered.push(...answers.value.map((answer) => ({ question, answer })));
    }
    yield judgeReplay(prepared, account, answered);
  }
}
