/** What doctor finds about the broker's own rights in its account, by asking IAM's simulator: nothing is tried. */
import type { AiRole } from "../../policy/ai-roles.ts";
import type { Finding } from "../../policy/doctor/finding.ts";
import {
  asSimulation,
  assumesOthers,
  judgeAssumes,
  judgeRevocation,
  judgeScp,
  judgeWrites,
  revokes,
  scpQuestion,
  widens,
  writesOthers,
  writesUnbounded,
  type RightQuestion,
} from "../../policy/doctor/rights.ts";
import { ROLE_NAMES, type Account, type RoleName } from "../../policy/set.ts";
import type { Doctor } from "./ports.ts";

const isAssumed = (name: string): name is RoleName => ROLE_NAMES.some((role) => role === name);

export async function* theRights(
  { aws }: Doctor,
  account: Account,
  { broker, roles }: { readonly broker: string; readonly roles: readonly AiRole[] },
): AsyncGenerator<Finding> {
  const subject = { account: account.id, role: null };
  const ask = async (question: RightQuestion) => ({
    question,
    answers: await aws.simulate(account.region, asSimulation(question)),
  });
  const assuming = await ask(assumesOthers(broker, account));
  yield judgeAssumes(subject, assuming.question, assuming.answers);
  const writing = [];
  for (const question of [writesOthers(broker, account), ...roles.flatMap((role) => widens(broker, role))])
    writing.push(await ask(question));
  yield judgeWrites(subject, writing);
  for (const role of roles.filter(({ name }) => isAssumed(name))) {
    const { question, answers: bounded } = await ask(revokes(broker, role));
    const { answers: unbounded } = await ask(writesUnbounded(broker, role));
    yield judgeRevocation({ account: account.id, role: role.name }, question, { bounded, unbounded });
  }
  const [first] = roles;
  if (first !== undefined)
    yield judgeScp(subject, first, await aws.simulate(account.region, scpQuestion(first, account)));
}
