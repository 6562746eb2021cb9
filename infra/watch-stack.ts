/**
 * Watch: alarms on what must never happen in one account and region, from CloudTrail's events. It needs nothing of the
 * broker and works when the broker does not. Deploy it in every account with AI roles, in us-east-1, where IAM's and the
 * organisation's events are, and in every region in use; in the management account for the SCP.
 */
import { CfnOutput, Stack, type StackProps } from "aws-cdk-lib";
import type { Topic } from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";
import type { AiRole } from "./broker-task-role.ts";
import { floorRules } from "./watch-floor.ts";
import {
  assumedByOthers,
  environmentChanged,
  fenceChanged,
  guardChanged,
  rolesOf,
  watchChanged,
  type Watched,
} from "./watch-patterns.ts";
import { WatchRule } from "./watch-rule.ts";
import { WatchTopic } from "./watch-topic.ts";

export interface WatchStackProps extends StackProps {
  readonly env: { readonly account: string; readonly region: string };
  /** Of any account; those of this one are watched. None in the management account. */
  readonly aiRoles: readonly AiRole[];
  /** Unique id of the broker's role (`AROA…`), the output BrokerRoleId of its data stack. */
  readonly brokerRoleId: string;
  /** IAM patterns: `floor` of guardrails.yaml. */
  readonly floor: readonly string[];
  /** `environment.tag` of guardrails.yaml. */
  readonly environmentTag: string;
  /** Account of the broker that records these alarms; null: none does. */
  readonly relayAccount: string | null;
}

export class WatchStack extends Stack {
  /** Subscribe whoever is to be woken. */
  readonly topic: Topic;

  constructor(scope: Construct, id: string, props: WatchStackProps) {
    super(scope, id, { terminationProtection: true, ...props });
    if (!/^AROA[A-Z0-9]{12,28}$/.test(props.brokerRoleId)) {
      throw new Error(
        "brokerRoleId is the unique id of the broker's role, AROA…: without it Watch knows nobody",
      );
    }
    const { topic } = new WatchTopic(this, "Alarms", props);
    this.topic = topic;
    const watched: Watched = { ...props, aiRoles: rolesOf(props.aiRoles, props.env.account) };
    const ofRoles =
      watched.aiRoles.length === 0
        ? []
        : [assumedByOthers(watched), fenceChanged(watched), ...floorRules(watched.aiRoles, props.floor)];
    for (const rule of [...ofRoles, guardChanged(), watchChanged(), environmentChanged(watched)]) {
      new WatchRule(this, rule, topic);
    }
    new CfnOutput(this, "AlarmTopic", { value: topic.topicArn });
  }
}
