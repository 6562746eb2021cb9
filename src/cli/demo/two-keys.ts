/**
 * The demo's second half: the change set the agent prepared is executed after two people approved exactly it. The agent
 * is an ordinary AWS SDK again; the people use the routes a browser uses, or a browser.
 */
import {
  CloudFormationClient,
  CreateChangeSetCommand,
  DeleteStackCommand,
  DescribeChangeSetCommand,
  DescribeStacksCommand,
  ExecuteChangeSetCommand,
  UpdateStackCommand,
} from "@aws-sdk/client-cloudformation";
import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { EscalationAnswer } from "../../api.ts";
import { collectSession } from "../../client/agent.ts";
import { requestEscalation } from "../../client/escalation.ts";
import type { Refusal } from "../../client/refusal.ts";
import { waitForDecision } from "../../client/wait-escalation.ts";
import type { Result } from "../../result.ts";
import { enrolApprover, invitationLink, type Approver } from "./approver.ts";
import { agentWith, CHANGE_SET, PRODUCTION, refusedBy, take, type Attempt, type Step } from "./replay.ts";
import { OWNER, type Stand } from "./stand.ts";
import { stackTemplate } from "./world.ts";

/** Who the shipped policy set lets decide. */
export const APPROVERS = ["platform-engineer", "security-engineer"] as const;

const TEMPLATE = "production-stack-change";
const OTHER_CHANGE_SET = "twokey-empty-the-table";
const REASON = "Messages come back before the handler is done, so orders are processed twice.";

/** Yields each step as it ends. `people` decides the escalation in steps of its own. */
export async function* twoKeys(
  stand: Stand,
  people: (asked: EscalationAnswer) => AsyncGenerator<Step>,
): AsyncGenerator<Step> {
  const asked: Asked = {};
  yield await take(ask(stand, asked));
  if (asked.escalation === undefined || asked.prepared === undefined) return;
  yield* people(asked.escalation);
  const collected = await collectSession(stand.access, asked.escalation.id);
  if (!collected.ok) {
    yield refusal(collected.error);
    return;
  }
  const { accessKeyId, reveal } = collected.value;
  const agent = new CloudFormationClient({
    region: stand.account.region,
    endpoint: stand.awsUrl,
    maxAttempts: 1,
    credentials: { accessKeyId, ...reveal() },
  });
  for (const attempt of withTheGrant(stand, agent, asked.escalation.id, asked.prepared))
    yield await take(attempt);
}

/** ARNs. */
interface Prepared {
  readonly stack: string;
  readonly changeSet: string;
  readonly other: string;
}

/** The change set's and the stack's own ARNs, and a second change set that nobody is asked about. */
async function prepared(stand: Stand): Promise<Prepared> {
  const propose = agentWith(
    stand,
    await stand.agent("propose-change", "change", "propose the repair for production"),
  );
  const { Id: other = "" } = await propose.cloudformation.send(
    new CreateChangeSetCommand({
      ...PRODUCTION,
      ChangeSetName: OTHER_CHANGE_SET,
      TemplateBody: stackTemplate("production", 240),
      RoleARN: stand.account.serviceRoles["production"],
    }),
  );
  const found = await propose.cloudformation.send(new DescribeChangeSetCommand(CHANGE_SET));
  return { stack: found.StackId ?? "", changeSet: found.ChangeSetId ?? "", other };
}

interface Asked {
  escalation?: EscalationAnswer;
  prepared?: Prepared;
}

function ask(stand: Stand, asked: Asked): Attempt {
  return {
    step: "ask-for-two-keys",
    title: "Ask for exactly that change set on exactly that stack",
    template: TEMPLATE,
    expected: "works",
    run: async () => {
      const { stack, changeSet } = (asked.prepared = await prepared(stand));
      const answer = done(
        await requestEscalation({
          ...stand.access,
          request: {
            template: TEMPLATE,
            parameters: { stack, change_set: changeSet },
            reason: REASON,
            task: { intent: "destroy", summary: "repair orders in production" },
          },
          idempotencyKey: randomUUID(),
          pause,
        }),
      );
      asked.escalation = answer;
      return `${answer.id} waits for ${answer.quorum} people, code “${answer.code}”\n${answer.url}`;
    },
  };
}

/** People without a browser: software passkeys, over the same routes. */
export function softwarePeople(stand: Stand): (asked: EscalationAnswer) => AsyncGenerator<Step> {
  return async function* (asked) {
    const { broker } = stand;
    const enrol = async (person: string): Promise<Approver> =>
      enrolApprover(broker, await invitationLink(broker, person));
    const [owner, first, second] = [await enrol(OWNER), await enrol(APPROVERS[0]), await enrol(APPROVERS[1])];
    const approve = (who: string, approver: Approver, expected: Step["expected"]): Attempt => ({
      step: `approved-by-${who}`,
      title: `${who} approves with a passkey`,
      template: TEMPLATE,
      expected,
      run: async () => {
        const { status, body } = await approver.decide(asked, "approve");
        if (status !== 200) throw refusedBy(String(body["code"]), String(body["detail"]));
        return `${String(body["approvals"])} of ${String(body["quorum"])} approved: ${String(body["state"])}`;
      },
    });
    yield await take(approve(OWNER, owner, "owner_cannot_approve"));
    yield await take(approve(APPROVERS[0], first, "works"));
    yield await take({
      step: "one-key-is-not-enough",
      title: "Try to collect the session after one approval",
      template: TEMPLATE,
      expected: "authorization_pending",
      run: async () => `${done(await collectSession(stand.access, asked.id)).session.id} was minted`,
    });
    yield await take(approve(APPROVERS[1], second, "works"));
  };
}

/** People at the page: waits until they decided, or the request's time is over. */
export function peopleAtThePage(stand: Stand): (asked: EscalationAnswer) => AsyncGenerator<Step> {
  return async function* ({ id }) {
    yield await take({
      step: "two-people-decide",
      title: "Two people decide on the page",
      template: TEMPLATE,
      expected: "works",
      run: async () => {
        const decided = done(
          await waitForDecision({
            access: stand.access,
            id,
            until: null,
            now: () => new Date(),
            pause,
            onAnswer: () => undefined,
            onTrouble: () => undefined,
          }),
        );
        if (decided.state !== "approved") throw refusedBy(decided.state, decided.denial ?? "");
        return `${decided.approvals} of ${decided.quorum} approved`;
      },
    });
  };
}

function withTheGrant(
  stand: Stand,
  agent: CloudFormationClient,
  id: string,
  { changeSet, other }: Prepared,
): readonly Attempt[] {
  const step = (name: string, title: string, expected: Step["expected"], run: Attempt["run"]): Attempt => ({
    step: name,
    title,
    template: TEMPLATE,
    expected,
    run,
  });
  return [
    step("execute-another", "Execute another change set with it", "AccessDenied", async () => {
      await agent.send(new ExecuteChangeSetCommand({ ChangeSetName: other }));
      return "another change set ran";
    }),
    step("update-with-the-grant", "Update the stack directly with it", "AccessDenied", async () => {
      await agent.send(
        new UpdateStackCommand({
          ...PRODUCTION,
          TemplateBody: stackTemplate("production", 120),
          RoleARN: stand.account.serviceRoles["production"],
        }),
      );
      return "production was updated";
    }),
    step("delete-with-the-grant", "Delete the stack with it", "AccessDenied", async () => {
      await agent.send(new DeleteStackCommand(PRODUCTION));
      return "production is gone";
    }),
    step("execute-the-approved", "Execute the change set that was approved", "works", async () => {
      // By its ARN, as it was approved: a name can be given to another change set.
      await agent.send(new ExecuteChangeSetCommand({ ChangeSetName: changeSet }));
      const { Stacks } = await agent.send(new DescribeStacksCommand(PRODUCTION));
      return `orders-production is ${Stacks?.[0]?.StackStatus}`;
    }),
    step("mint-again", "Collect a second session from the same approval", "grant_used", async () => {
      return `${done(await collectSession(stand.access, id)).session.id} was minted`;
    }),
  ];
}

function done<T>(answer: Result<T, Refusal>): T {
  if (answer.ok) return answer.value;
  throw refusedBy(answer.error.code, answer.error.detail);
}

function refusal({ code, detail }: Refusal): Step {
  return {
    step: "collect",
    title: "Collect the approved session",
    template: TEMPLATE,
    expected: "works",
    answer: `${code}: ${detail}`,
    ok: false,
  };
}
