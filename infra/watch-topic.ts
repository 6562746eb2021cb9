/** Where Watch tells what it saw: encrypted, over TLS alone, and written to by its own rules and nobody else. */
import { RemovalPolicy, Stack } from "aws-cdk-lib";
import { AccountPrincipal, PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Key } from "aws-cdk-lib/aws-kms";
import { Topic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import { RULE_PREFIX } from "./watch-patterns.ts";

export interface WatchTopicProps {
  /** Account of the broker whose relay may subscribe; null: none is elsewhere. */
  readonly relayAccount: string | null;
}

export class WatchTopic extends Construct {
  readonly topic: Topic;

  constructor(scope: Construct, id: string, { relayAccount }: WatchTopicProps) {
    super(scope, id);
    const { account, region } = Stack.of(this);
    const rules = {
      StringEquals: { "aws:SourceAccount": account },
      ArnLike: { "aws:SourceArn": `arn:aws:events:${region}:${account}:rule/${RULE_PREFIX}*` },
    };
    const events = new ServicePrincipal("events.amazonaws.com");
    const key = new Key(this, "Key", {
      description: "Twokey: alarms of Watch",
      enableKeyRotation: true,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    key.addToResourcePolicy(
      new PolicyStatement({
        principals: [events],
        actions: ["kms:Decrypt", "kms:GenerateDataKey*"],
        resources: ["*"],
        conditions: { StringEquals: { "aws:SourceAccount": account } },
      }),
    );
    this.topic = new Topic(this, "Topic", { masterKey: key, enforceSSL: true });
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [events],
        actions: ["sns:Publish"],
        resources: [this.topic.topicArn],
        conditions: rules,
      }),
    );
    if (relayAccount === null || relayAccount === account) return;
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        principals: [new AccountPrincipal(relayAccount)],
        actions: ["sns:Subscribe"],
        resources: [this.topic.topicArn],
        // A function of that account; no address of mail or of the web.
        conditions: { StringEquals: { "sns:Protocol": "lambda" } },
      }),
    );
  }
}
