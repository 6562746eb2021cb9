/** Policies printed in the IAM User Guide, with the outcomes its text gives for them. */
import { expect, test } from "vitest";
import type { Decision, Statement } from "../../src/policy/iam/types.ts";
import { ALLOW_ALL, ask, OTHER_ACCOUNT, USER, type Asked, type Question } from "./ask.ts";

interface Example {
  readonly title: string;
  readonly policies: Asked;
  readonly request: Question;
  readonly decision: Decision;
}

/** "Condition operators": an IAM user's own home directory in a bucket. */
const homeDirectory: readonly Statement[] = [
  { Effect: "Allow", Action: ["s3:ListAllMyBuckets", "s3:GetBucketLocation"], Resource: "arn:aws:s3:::*" },
  {
    Effect: "Allow",
    Action: "s3:ListBucket",
    Resource: "arn:aws:s3:::example",
    Condition: { StringLike: { "s3:prefix": ["", "home/", "home/${aws:username}/"] } },
  },
  {
    Effect: "Allow",
    Action: "s3:*",
    Resource: ["arn:aws:s3:::example/home/${aws:username}", "arn:aws:s3:::example/home/${aws:username}/*"],
  },
];
const home = (action: string, resource: string, prefix?: string): Question => ({
  by: USER,
  action,
  resource,
  context: { "aws:username": "orders-lead", ...(prefix === undefined ? {} : { "s3:prefix": prefix }) },
});

/** "Condition operators", IfExists: "launch any instance that is type t1, t2 or m3". */
const launch = (operator: string): Asked => ({
  identity: [
    {
      Effect: "Allow",
      Action: "ec2:RunInstances",
      Resource: "*",
      Condition: { [operator]: { "ec2:InstanceType": ["t1.*", "t2.*", "m3.*"] } },
    },
  ],
});
const image: Question = {
  action: "ec2:RunInstances",
  resource: "arn:aws:ec2:us-east-1::image/ami-1",
  resourceAccount: "111122223333",
};
const instance = (type: string): Question => ({
  action: "ec2:RunInstances",
  resource: "arn:aws:ec2:us-east-1:111122223333:instance/*",
  context: { "ec2:InstanceType": type },
});

/** "Using wildcards in resource ARNs": the objects that the printed ARN names, and those it does not. */
const testFolders: Asked = {
  identity: [
    { Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::amzn-s3-demo-bucket/*/test/*" },
  ],
};
const object = (key: string, decision: Decision): Example => ({
  title: `Resource wildcards: ${key}`,
  policies: testFolders,
  request: { resource: `arn:aws:s3:::${key}` },
  decision,
});

const tlsOnly: Asked = {
  identity: [
    ALLOW_ALL,
    {
      Sid: "BooleanExample",
      Action: "s3:*",
      Effect: "Deny",
      Resource: ["arn:aws:s3:::amzn-s3-demo-bucket", "arn:aws:s3:::amzn-s3-demo-bucket/*"],
      Condition: { Bool: { "aws:SecureTransport": "false" } },
    },
  ],
};

const onlyThisUser: Asked = {
  identity: [ALLOW_ALL],
  resource: [
    {
      Sid: "UsePrincipalArnInsteadOfNotPrincipalWithDeny",
      Effect: "Deny",
      Action: "s3:*",
      Principal: "*",
      Resource: ["arn:aws:s3:::orders/*", "arn:aws:s3:::orders"],
      Condition: { ArnNotEquals: { "aws:PrincipalArn": USER } },
    },
  ],
};

const ownCredentialsOnly: Asked = {
  identity: [
    {
      Action: "ec2:*",
      Effect: "Allow",
      Resource: "*",
      Condition: { Null: { "aws:TokenIssueTime": "true" } },
    },
  ],
};

const topic: Asked = {
  identity: [{ Effect: "Allow", Action: "sqs:SendMessage", Resource: "*" }],
  resource: [
    {
      Effect: "Allow",
      Principal: { AWS: OTHER_ACCOUNT },
      Action: "SQS:SendMessage",
      Resource: "arn:aws:sqs:us-east-1:111122223333:queue",
      Condition: { ArnEquals: { "aws:SourceArn": "arn:aws:sns:us-east-1:444455556666:orders" } },
    },
  ],
};
const send = (arn?: string): Question => ({
  by: `arn:aws:iam::${OTHER_ACCOUNT}:user/orders-lead`,
  action: "sqs:SendMessage",
  resource: "arn:aws:sqs:us-east-1:111122223333:queue",
  context: arn === undefined ? {} : { "aws:SourceArn": arn },
});

const tagPrefixes: Asked = {
  identity: [
    ALLOW_ALL,
    {
      Effect: "Deny",
      Action: ["iam:TagRole", "iam:TagUser"],
      Resource: "*",
      Condition: { "ForAllValues:StringLike": { "aws:TagKeys": "key1*" }, Null: { "aws:TagKeys": "false" } },
    },
  ],
};
const tagging = (...keys: string[]): Question => ({
  action: "iam:TagRole",
  resource: "arn:aws:iam::111122223333:role/x",
  context: { "aws:TagKeys": keys },
});

const EXAMPLES: readonly Example[] = [
  {
    title: "home directory: a listing of one's own prefix",
    policies: { identity: homeDirectory },
    request: home("s3:ListBucket", "arn:aws:s3:::example", "home/orders-lead/"),
    decision: "allowed",
  },
  {
    title: "home directory: a listing of another's prefix",
    policies: { identity: homeDirectory },
    request: home("s3:ListBucket", "arn:aws:s3:::example", "home/other/"),
    decision: "implicitDeny",
  },
  {
    title: "home directory: a listing without a prefix",
    policies: { identity: homeDirectory },
    request: home("s3:ListBucket", "arn:aws:s3:::example"),
    decision: "implicitDeny",
  },
  {
    title: "home directory: one's own object",
    policies: { identity: homeDirectory },
    request: home("s3:PutObject", "arn:aws:s3:::example/home/orders-lead/a/b"),
    decision: "allowed",
  },
  {
    title: "home directory: a longer name",
    policies: { identity: homeDirectory },
    request: home("s3:PutObject", "arn:aws:s3:::example/home/orders-lead-2/a"),
    decision: "implicitDeny",
  },
  {
    title: "home directory: all buckets",
    policies: { identity: homeDirectory },
    request: home("s3:GetBucketLocation", "arn:aws:s3:::another"),
    decision: "allowed",
  },
  {
    title: "RunInstances with StringLike: the image has no type, so not even it",
    policies: launch("StringLike"),
    request: image,
    decision: "implicitDeny",
  },
  {
    title: "RunInstances with StringLikeIfExists: the image",
    policies: launch("StringLikeIfExists"),
    request: image,
    decision: "allowed",
  },
  {
    title: "RunInstances with StringLikeIfExists: a t2 instance",
    policies: launch("StringLikeIfExists"),
    request: instance("t2.micro"),
    decision: "allowed",
  },
  {
    title: "RunInstances with StringLikeIfExists: another instance",
    policies: launch("StringLikeIfExists"),
    request: instance("p5.large"),
    decision: "implicitDeny",
  },
  object("amzn-s3-demo-bucket/1/test/object.jpg", "allowed"),
  object("amzn-s3-demo-bucket/1/2/3/test/4/object.jpg", "allowed"),
  object("amzn-s3-demo-bucket/1///test///object.jpg", "allowed"),
  object("amzn-s3-demo-bucket//test/object.jpg", "allowed"),
  object("amzn-s3-demo-bucket/1/test/", "allowed"),
  object("amzn-s3-demo-bucket/1-test/object.jpg", "implicitDeny"),
  object("amzn-s3-demo-bucket/test/object.jpg", "implicitDeny"),
  object("amzn-s3-demo-bucket/1/2/test.jpg", "implicitDeny"),
  {
    title: "SecureTransport: without TLS",
    policies: tlsOnly,
    request: { resource: "arn:aws:s3:::amzn-s3-demo-bucket/x", context: { "aws:SecureTransport": false } },
    decision: "explicitDeny",
  },
  {
    title: "SecureTransport: with TLS",
    policies: tlsOnly,
    request: { resource: "arn:aws:s3:::amzn-s3-demo-bucket/x", context: { "aws:SecureTransport": true } },
    decision: "allowed",
  },
  {
    title: "aws:PrincipalArn instead of NotPrincipal: the user",
    policies: onlyThisUser,
    request: { by: USER },
    decision: "allowed",
  },
  {
    title: "aws:PrincipalArn instead of NotPrincipal: everybody else",
    policies: onlyThisUser,
    request: {},
    decision: "explicitDeny",
  },
  {
    title: "Null of TokenIssueTime: long-term credentials",
    policies: ownCredentialsOnly,
    request: { action: "ec2:StartInstances" },
    decision: "allowed",
  },
  {
    title: "Null of TokenIssueTime: temporary credentials",
    policies: ownCredentialsOnly,
    request: { action: "ec2:StartInstances", context: { "aws:TokenIssueTime": "2026-01-01T00:00:00Z" } },
    decision: "implicitDeny",
  },
  {
    title: "aws:SourceArn: the topic named",
    policies: topic,
    request: send("arn:aws:sns:us-east-1:444455556666:orders"),
    decision: "allowed",
  },
  {
    title: "aws:SourceArn: another topic",
    policies: topic,
    request: send("arn:aws:sns:us-east-1:444455556666:other"),
    decision: "implicitDeny",
  },
  { title: "aws:SourceArn: a direct call", policies: topic, request: send(), decision: "implicitDeny" },
  {
    title: "tag key prefixes: all keys have it",
    policies: tagPrefixes,
    request: tagging("key1", "key12"),
    decision: "explicitDeny",
  },
  {
    title: "tag key prefixes: one key does not",
    policies: tagPrefixes,
    request: tagging("key1", "other"),
    decision: "allowed",
  },
  {
    title: "tag key prefixes: no keys, which Null false excludes",
    policies: tagPrefixes,
    request: tagging(),
    decision: "allowed",
  },
];

test.each(EXAMPLES)("$title → $decision", ({ policies, request, decision }) => {
  expect(ask(policies, request).decision).toBe(decision);
});
