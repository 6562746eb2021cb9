/**
 * The incident, replayed by an agent that uses the ordinary AWS SDK and nothing of Twokey's but the loopback
 * endpoint its SDK reads credentials from. Every step states what should happen; what did is AWS's own answer.
 */
import {
  CloudFormationClient,
  CreateChangeSetCommand,
  DeleteStackCommand,
  DescribeChangeSetCommand,
  DescribeStackEventsCommand,
  DescribeStacksCommand,
  ExecuteChangeSetCommand,
  UpdateStackCommand,
} from "@aws-sdk/client-cloudformation";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/client-sts";
import { fromHttp } from "@aws-sdk/credential-provider-http";
import type { EndpointFiles, Stand } from "./stand.ts";
import { ADMIN_ROLE, stackTemplate } from "./world.ts";

export interface Step {
  /** Stable name, for `--json`. */
  readonly step: string;
  readonly title: string;
  readonly template: string;
  /** `works`, AWS's refusal, or the code of Twokey's. */
  readonly expected:
    "works" | "AccessDenied" | "owner_cannot_approve" | "authorization_pending" | "grant_used";
  /** What came back: a line on success, the real error text otherwise. */
  readonly answer: string;
  /** Whether it ended as it should. */
  readonly ok: boolean;
}

interface Agent {
  readonly cloudformation: CloudFormationClient;
  readonly sts: STSClient;
}

export type Attempt = Omit<Step, "answer" | "ok"> & { readonly run: () => Promise<string> };

export const PRODUCTION = { StackName: "orders-production" } as const;
/** The repair, prepared and not executed. */
export const CHANGE_SET = { ...PRODUCTION, ChangeSetName: "twokey-visibility-timeout" } as const;

/** Yields each step as it ends. */
export async function* replay(stand: Stand): AsyncGenerator<Step> {
  const observe = agentWith(
    stand,
    await stand.agent("observe", "observe", "why are orders processed twice?"),
  );
  const deploy = agentWith(stand, await stand.agent("staging-deploy", "destroy", "repair the orders stack"));
  const propose = agentWith(
    stand,
    await stand.agent("propose-change", "change", "propose the repair for production"),
  );
  for (const attempt of attempts(stand, { observe, deploy, propose })) yield await take(attempt);
}

export function agentWith(stand: Stand, { url, tokenFile }: EndpointFiles): Agent {
  const common = {
    region: stand.account.region,
    endpoint: stand.awsUrl,
    maxAttempts: 1,
    credentials: fromHttp({
      awsContainerCredentialsFullUri: url,
      awsContainerAuthorizationTokenFile: tokenFile,
    }),
  };
  return { cloudformation: new CloudFormationClient(common), sts: new STSClient(common) };
}

function attempts(
  { account }: Stand,
  { observe, deploy, propose }: Readonly<Record<"observe" | "deploy" | "propose", Agent>>,
): readonly Attempt[] {
  const pinned = (environment: string): string => account.serviceRoles[environment] ?? "";
  return [
    {
      step: "investigate-production",
      title: "Look into production: describe the stack and its events",
      template: "observe",
      expected: "works",
      run: async () => {
        const [stack] =
          (await observe.cloudformation.send(new DescribeStacksCommand(PRODUCTION))).Stacks ?? [];
        const events = await observe.cloudformation.send(new DescribeStackEventsCommand(PRODUCTION));
        return `${stack?.StackName} is ${stack?.StackStatus}, ${events.StackEvents?.length ?? 0} events`;
      },
    },
    {
      step: "delete-production",
      title: "“Cleanest fix: delete the environment and create it again”",
      template: "staging-deploy",
      expected: "AccessDenied",
      run: async () => {
        await deploy.cloudformation.send(new DeleteStackCommand(PRODUCTION));
        return "production is gone";
      },
    },
    {
      step: "strip-the-tag",
      title: "Take the environment tag off production first, then delete it",
      template: "staging-deploy",
      expected: "AccessDenied",
      run: async () => {
        await deploy.cloudformation.send(
          new UpdateStackCommand({
            ...PRODUCTION,
            UsePreviousTemplate: true,
            RoleARN: pinned("staging"),
            Tags: [{ Key: "environment", Value: "staging" }],
          }),
        );
        return "production now calls itself staging";
      },
    },
    {
      step: "hop-to-another-role",
      title: `Become ${ADMIN_ROLE}, which may do everything`,
      template: "staging-deploy",
      expected: "AccessDenied",
      run: async () => {
        await deploy.sts.send(
          new AssumeRoleCommand({
            RoleArn: `arn:aws:iam::${account.id}:role/${ADMIN_ROLE}`,
            RoleSessionName: "orders-agent",
          }),
        );
        return `the agent is ${ADMIN_ROLE}`;
      },
    },
    {
      step: "delete-untagged",
      title: "Delete the stack without a tag: nobody said it was production",
      template: "staging-deploy",
      expected: "AccessDenied",
      run: async () => {
        await deploy.cloudformation.send(new DeleteStackCommand({ StackName: "orders-untagged" }));
        return "the untagged stack is gone";
      },
    },
    {
      step: "repair-staging",
      title: "Repair staging, through the service role pinned for it",
      template: "staging-deploy",
      expected: "works",
      run: async () => {
        await deploy.cloudformation.send(
          new UpdateStackCommand({
            StackName: "orders-staging",
            TemplateBody: stackTemplate("staging", 120),
            RoleARN: pinned("staging"),
          }),
        );
        const { Stacks } = await deploy.cloudformation.send(
          new DescribeStacksCommand({ StackName: "orders-staging" }),
        );
        return `orders-staging is ${Stacks?.[0]?.StackStatus}`;
      },
    },
    {
      step: "propose-for-production",
      title: "Prepare the same repair for production as a change set, which changes nothing",
      template: "propose-change",
      expected: "works",
      run: async () => {
        await propose.cloudformation.send(
          new CreateChangeSetCommand({
            ...CHANGE_SET,
            TemplateBody: stackTemplate("production", 120),
            RoleARN: pinned("production"),
          }),
        );
        const { Changes, ExecutionStatus } = await propose.cloudformation.send(
          new DescribeChangeSetCommand(CHANGE_SET),
        );
        const lines = (Changes ?? []).map(
          ({ ResourceChange: c }) => `${c?.Action} ${c?.LogicalResourceId} (replacement: ${c?.Replacement})`,
        );
        return `${CHANGE_SET.ChangeSetName} is ${ExecutionStatus}: ${lines.join(", ")}`;
      },
    },
    {
      step: "execute-on-production",
      title: "Execute it without asking anybody: that takes two keys",
      template: "propose-change",
      expected: "AccessDenied",
      run: async () => {
        await propose.cloudformation.send(new ExecuteChangeSetCommand(CHANGE_SET));
        return "production has changed";
      },
    },
  ];
}

/** Runs the attempt; a refusal is its answer. */
export async function take({ run, ...attempt }: Attempt): Promise<Step> {
  try {
    const answer = await run();
    return { ...attempt, answer, ok: attempt.expected === "works" };
  } catch (error) {
    const name = error instanceof Error ? error.name : "Error";
    const message = error instanceof Error ? error.message : String(error);
    // STS and CloudFormation spell it AccessDenied; some services add Exception.
    const code = name.replace(/^AccessDeniedException$/, "AccessDenied");
    return { ...attempt, answer: `${name}: ${message}`, ok: attempt.expected === code };
  }
}

/** Twokey's own refusal, as `take` knows it: by its code. */
export function refusedBy(code: string, detail: string): Error {
  return Object.assign(new Error(detail), { name: code });
}
