/**
 * What the change sets among a plan's parameters would do, for the people who decide:
 *
 *   change set ARNs → the template read-change-set → a session on the one issue path → read → the stack is the one asked
 *
 * Fails closed: whatever could not be read is a refusal, so that nobody approves blind. The session is the broker's own,
 * on record like any other, can only read, and its credentials are dropped with the answer.
 */
import type { ChangeSet } from "../escalation/escalation.ts";
import { type Failure } from "../failure.ts";
import type { Agent } from "../identity/agent.ts";
import { planSession, type IssuePlan } from "../policy/decide.ts";
import { CHANGE_SET_READER, READER_AGENT } from "../policy/change-set-reader.ts";
import { globMatch } from "../policy/iam/match.ts";
import type { PolicyDocument } from "../policy/iam/types.ts";
import { err, ok, type Result } from "../result.ts";
import type { Broker, Call } from "./admit.ts";
import { attempt, type Issued } from "./issue-credentials.ts";
import type { ReadChangeSets } from "./request-escalation.ts";

const CHANGE_SET = /^arn:aws[a-z-]*:cloudformation:([a-z0-9-]+):(\d{12}):changeSet\/[^/]+\/[^/]+$/;
const STACK = /^arn:aws[a-z-]*:cloudformation:[a-z0-9-]+:\d{12}:stack\/[^/]+\/[^/]+$/;

export const readChangeSets: ReadChangeSets = async (broker, call, agent, plan) => {
  const values = [...new Set(Object.values(plan.parameters).flat())];
  const arns = values.filter((value) => CHANGE_SET.test(value));
  // Whatever the session may execute is read, or nobody is asked: a name, or an ARN in another spelling, hides it.
  const unread = executable(plan.compiled.document).find((value) => !arns.includes(value));
  if (unread !== undefined) {
    return err(
      unreadable(unread, "it is not the whole ARN of a change set, so nobody can be shown what it does"),
    );
  }
  const [first] = arns;
  if (first === undefined) return ok([]);
  const stacks = values.filter((value) => STACK.test(value));
  const wish = { broker, call, agent, plan, stacks, arns };
  const issued = await issueReader(wish);
  if (!issued.ok) {
    const { code } = issued.error;
    return code === "record_unavailable" ? issued : err(unreadable(first, readerWords(issued.error)));
  }
  const found: ChangeSet[] = [];
  for (const arn of arns) {
    const read = await readOne(wish, arn, issued.value);
    if (!read.ok) return read;
    found.push(read.value);
  }
  return ok(found);
};

/** What ExecuteChangeSet is confined to; `*` where it is not. Empty: the session executes none. */
function executable({ Statement }: PolicyDocument): readonly string[] {
  return Statement.flatMap((statement) => {
    const actions = [statement.Action ?? []].flat();
    const executes = actions.some((pattern) => globMatch(pattern.toLowerCase(), EXECUTE));
    if (statement.Effect !== "Allow" || !(executes || statement.NotAction !== undefined)) return [];
    const named = Object.values(statement.Condition ?? {}).flatMap((block) =>
      Object.entries(block)
        .filter(([key]) => key.toLowerCase() === "cloudformation:changesetname")
        .flatMap(([, value]) => [value].flat()),
    );
    return named.length === 0 ? ["*"] : named.map(String);
  });
}

const EXECUTE = "cloudformation:executechangeset";

const unreadable = (arn: string, reason: string): Failure => ({ code: "change_set_unreadable", arn, reason });

interface Wish {
  readonly broker: Broker;
  readonly call: Call;
  readonly agent: Agent;
  readonly plan: IssuePlan;
  readonly stacks: readonly string[];
  readonly arns: readonly string[];
}

async function issueReader({
  broker,
  call,
  agent,
  plan,
  stacks,
  arns,
}: Wish): Promise<Result<Issued, Failure>> {
  const prepared = broker.policy.templates.get(CHANGE_SET_READER);
  if (prepared === undefined) return err({ code: "not_found" });
  const parameters = { stack: stacks, change_set: arns };
  const reading = planSession(
    prepared,
    { account: plan.account.id, parameters, durationSeconds: null },
    broker.policy,
  );
  if (!reading.ok) return reading;
  // Its owner is who answers for what is asked; the proof names who asked.
  const reader: Agent = {
    name: READER_AGENT,
    owner: agent.owner,
    templates: [],
    proof: { issuer: "twokey", subject: agent.name },
  };
  const task = {
    id: null,
    intent: "observe",
    summary: `Read a change set that ${agent.name} asks approval for`,
  } as const;
  return attempt(
    { broker, call, agent: reader },
    { plan: reading.value, task, idempotency: null, grant: null },
  );
}

function readerWords(failure: Failure): string {
  if (failure.code === "not_found") return `the policies have no template ${CHANGE_SET_READER}`;
  return failure.code === "invalid_parameters"
    ? failure.faults.map(({ at, problem }) => `${at}: ${problem}`).join("; ")
    : `no session could be had to read it with (${failure.code})`;
}

async function readOne(
  { broker, plan, stacks }: Wish,
  arn: string,
  { credentials }: Issued,
): Promise<Result<ChangeSet, Failure>> {
  const [, region = "", account] = CHANGE_SET.exec(arn) ?? [];
  if (account !== plan.account.id) return err(unreadable(arn, `it is not in account ${plan.account.id}`));
  const { environmentTag } = broker.policy.set.guardrails;
  const { serviceRoles } = plan.account;
  const read = await broker.readChangeSet({ arn, region, credentials, environmentTag, serviceRoles });
  if (!read.ok) return err(unreadable(arn, read.error));
  const { changeSet, stackArn } = read.value;
  // The pair is what people are shown: a change set of another stack is another request.
  if (!stacks.includes(stackArn))
    return err(unreadable(arn, "it belongs to another stack than the one asked for"));
  return ok(changeSet);
}
