/** What approvers are warned of, where AWS would have to be bent to say it. */
import { expect, test } from "vitest";
import { warningsOf, type SeenChange, type SeenChangeSet } from "../../src/session/change-set-warnings.ts";
import { readStackTemplate } from "../../src/session/stack-template.ts";

const GUARDS = {
  environmentTag: "environment",
  serviceRoles: {
    production: "arn:aws:iam::111122223333:role/p",
    staging: "arn:aws:iam::111122223333:role/s",
  },
};
const PRODUCTION = [{ key: "environment", value: "production" }];
const template = (resources: object): string => JSON.stringify({ Resources: resources });
const QUEUE = { Type: "AWS::SQS::Queue" };
const tagged = (value: unknown) => ({
  ...QUEUE,
  Properties: { Tags: [{ Key: "environment", Value: value }] },
});

const QUIET: SeenChangeSet = {
  changes: [],
  tags: PRODUCTION,
  importsExisting: false,
  isNested: false,
  onFailure: null,
  stack: {
    status: "UPDATE_COMPLETE",
    tags: PRODUCTION,
    roleArn: GUARDS.serviceRoles.production,
    terminationProtection: true,
    template: template({ Queue: QUEUE }),
  },
  template: { original: template({ Queue: QUEUE }), processed: template({ Queue: QUEUE }) },
};
const CHANGE: SeenChange = {
  action: "Modify",
  logicalId: "Queue",
  physicalId: "orders",
  type: "AWS::SQS::Queue",
  replacement: "False",
  policyAction: null,
  details: [],
  touchesTags: false,
};
const warned = (change: Partial<SeenChangeSet>) => warningsOf({ ...QUIET, ...change }, GUARDS);
const between = (before: object, after: object, change: Partial<SeenChangeSet> = {}) =>
  warned({
    ...change,
    stack: { ...QUIET.stack, template: template(before) },
    template: { original: template(after), processed: template(after) },
  });

test("a harmless change set has no warning", () => {
  expect(warned({})).toEqual([]);
});

test("an imported resource, and imports that are found by name", () => {
  const imported = { ...CHANGE, action: "Import", logicalId: "Old", type: "AWS::S3::Bucket" } as const;
  expect(warned({ changes: [imported], importsExisting: true })).toEqual([
    "Old (AWS::S3::Bucket) exists already and comes under this stack's life.",
    "Resources that exist already under a name of the template are taken over by this stack.",
  ]);
});

test("a nested stack in the changes alone, and a change set that is part of another", () => {
  const nested = { ...CHANGE, logicalId: "Payments", type: "AWS::CloudFormation::Stack" };
  expect(warned({ changes: [nested], isNested: true })).toEqual([
    "Payments is a nested stack: what changes inside it is not shown here.",
    "It is part of another change set: executing that one executes this one.",
  ]);
});

test("a stack's tag that is spelled in another case is the same tag", () => {
  const now = [{ key: "Environment", value: "staging" }];
  expect(warned({ tags: now })[0]).toBe(
    'The stack\'s tag environment changes from "production" to "staging", for the stack and every resource in it.',
  );
});

test("a resource's tag that is changed, added or taken away", () => {
  expect(between({ Queue: tagged("production") }, { Queue: tagged("staging") })).toEqual([
    'The tag environment of Queue changes from "production" to "staging".',
  ]);
  expect(between({ Queue: tagged("production") }, { Queue: QUEUE })).toEqual([
    'The tag environment of Queue changes from "production" to absent.',
  ]);
});

test("a tag in a map of tags counts as one in a list", () => {
  const mapped = (environment: string) => ({
    Job: { Type: "AWS::Glue::Job", Properties: { Tags: { environment } } },
  });
  expect(between(mapped("production"), mapped("test"))).toEqual([
    'The tag environment of Job changes from "production" to "test".',
  ]);
});

test("a tag whose key is worked out may be the environment's", () => {
  const odd = { ...QUEUE, Properties: { Tags: [{ Key: { Ref: "Name" }, Value: "staging" }] } };
  expect(between({ Queue: QUEUE }, { Queue: odd })[0]).toMatch(
    /^The tag environment of Queue changes from absent/,
  );
});

test("a tag whose value is worked out may change with a parameter, the template staying the same", () => {
  const same = { Queue: tagged({ Ref: "Stage" }) };
  expect(between(same, same, { changes: [{ ...CHANGE, touchesTags: true }] })).toEqual([
    "The tags of Queue change, and the tag environment with them may: its value is worked out when it runs.",
  ]);
  expect(between(same, same, { changes: [CHANGE] })).toEqual([]);
});

test("a new resource that is not tagged as its stack is", () => {
  expect(between({ Queue: QUEUE }, { Queue: QUEUE, Other: tagged("sandbox") })).toEqual([
    'Other is made with the tag environment "sandbox", unlike its stack.',
  ]);
  expect(between({ Queue: QUEUE }, { Queue: QUEUE, Other: tagged("production") })).toEqual([]);
});

test("a template that cannot be read is itself a warning", () => {
  const deep = `{"Resources":${"[".repeat(200)}${"]".repeat(200)}}`;
  for (const text of [null, "a: [", "just text", deep]) {
    expect(warned({ template: { original: text, processed: text } })).toContain(
      "Its template could not be read: nested stacks, macros and tags in it are not told here.",
    );
  }
  expect(warned({ stack: { ...QUIET.stack, template: null } })).toEqual([
    "The stack's template as it is now could not be read: changed tags are not told here.",
  ]);
});

test("a failure that deletes the stack, and a parameter of Parameter Store", () => {
  const original = JSON.stringify({
    Parameters: { Image: { Type: "AWS::SSM::Parameter::Value<String>" } },
    Resources: { Queue: QUEUE },
  });
  expect(warned({ onFailure: "DELETE", template: { original, processed: original } })).toEqual([
    "It takes values from elsewhere, which may change before it runs: parameter Image.",
    "If it fails, AWS deletes the stack.",
  ]);
});

test("a macro inside a part of the template is found", () => {
  const text = "Resources:\n  Queue:\n    Type: AWS::SQS::Queue\n    Fn::Transform: { Name: Rewrite }\n";
  expect(readStackTemplate(text, "environment")?.macros).toEqual(["Rewrite"]);
});

test("a short form is never mistaken for its text", () => {
  const text =
    "Resources:\n  Q:\n    Type: AWS::SQS::Queue\n    Properties: { Tags: [{ Key: environment, Value: !Ref production }] }\n";
  expect(readStackTemplate(text, "environment")?.resources.get("Q")?.environment).toEqual([
    '{"Ref":"production"}',
  ]);
});

test("aliases that would grow without bound are refused", () => {
  const bomb = [
    "a: &a [x,x,x,x,x,x,x,x,x,x]",
    ..."bcdefghij"
      .split("")
      .map(
        (name, index) =>
          `${name}: &${name} [${`*${"abcdefghij"[index] ?? ""},`.repeat(9)}*${"abcdefghij"[index] ?? ""}]`,
      ),
    "Resources: {Q: {Type: X, Properties: *j}}",
  ].join("\n");
  expect(readStackTemplate(bomb, "environment")).toBeNull();
});
