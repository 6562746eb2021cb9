/** One rule of Watch: its pattern, and what is told when it matches: the rule's name and the whole event. */
import { CfnRule } from "aws-cdk-lib/aws-events";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import { RULE_PREFIX, type WatchedRule } from "./watch-patterns.ts";

export class WatchRule extends Construct {
  constructor(scope: Construct, rule: WatchedRule, topic: ITopic) {
    super(scope, rule.name);
    new CfnRule(this, "Rule", {
      name: `${RULE_PREFIX}${rule.name}`,
      description: `Twokey: ${rule.says}`,
      eventPattern: rule.pattern,
      // Plainly ENABLED a rule sees no call that only reads, and CloudTrail counts AssumeRole among those.
      state: "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS",
      targets: [
        {
          id: "Topic",
          arn: topic.topicArn,
          inputTransformer: {
            inputTemplate: `{"rule":"${rule.name}","event":<aws.events.event.json>}`,
          },
        },
      ],
    });
  }
}
