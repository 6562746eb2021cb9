/** AWS::IAM::Role. What others put on the role by hand (inline policies, attachments, tags) an update leaves alone. */
import { ok } from "../../../result.ts";
import { type Answered, fault } from "../../fault.ts";
import type { ParameterTree } from "../../parameters.ts";
import { same } from "../diff.ts";
import type { JsonObject } from "../template.ts";
import { type Acting, gone, inTurn } from "./acting.ts";
import { documentOf, policiesOf, tagsIn, textOf, textsOf } from "./properties.ts";
import type { Existing, RealType, Stood } from "./real-type.ts";

export const ROLE: RealType = {
  rules: {
    required: ["AssumeRolePolicyDocument"],
    shapes: {
      AssumeRolePolicyDocument: "document",
      Description: "text",
      ManagedPolicyArns: "texts",
      MaxSessionDuration: "text",
      Path: "text",
      PermissionsBoundary: "text",
      Policies: "policies",
      RoleName: "text",
      Tags: "tags",
    },
  },
  name: "RoleName",
  longestName: 64,
  tagged: true,
  create,
  update,
  remove,
};

function create(acting: Acting, name: string, properties: JsonObject): Answered<Stood> {
  const made = inTurn([
    () => acting.iam("CreateRole", creation(name, properties)),
    ...[...policiesOf(properties)].map(
      ([policy, text]) =>
        () =>
          put(acting, name, policy, text),
    ),
    ...textsOf(properties, "ManagedPolicyArns").map((arn) => () => attach(acting, name, arn)),
    // CloudFormation reads the role back for its attributes, and needs to be allowed to.
    () => acting.iam("GetRole", { RoleName: name }),
  ]);
  return made.ok ? stood(acting, name) : made;
}

const creation = (name: string, properties: JsonObject): ParameterTree => ({
  RoleName: name,
  Path: textOf(properties, "Path"),
  AssumeRolePolicyDocument: documentOf(properties, "AssumeRolePolicyDocument"),
  Description: textOf(properties, "Description"),
  MaxSessionDuration: textOf(properties, "MaxSessionDuration"),
  PermissionsBoundary: textOf(properties, "PermissionsBoundary"),
  Tags: tagsIn(properties).map((tag) => ({ Key: tag.key, Value: tag.value })),
});

const put = (acting: Acting, name: string, policy: string, text: string): Answered<unknown> =>
  acting.iam("PutRolePolicy", { RoleName: name, PolicyName: policy, PolicyDocument: text });
const attach = (acting: Acting, name: string, arn: string): Answered<unknown> =>
  acting.iam("AttachRolePolicy", { RoleName: name, PolicyArn: arn });
const detach = (acting: Acting, name: string, arn: string): Answered<unknown> =>
  gone(acting.iam("DetachRolePolicy", { RoleName: name, PolicyArn: arn }));
const drop = (acting: Acting, name: string, policy: string): Answered<unknown> =>
  gone(acting.iam("DeleteRolePolicy", { RoleName: name, PolicyName: policy }));

function stood(acting: Acting, name: string): Answered<Stood> {
  const role = acting.account.roles.get(name.toLowerCase());
  return role === undefined
    ? fault("NoSuchEntity", `The role with name ${name} cannot be found.`, 404)
    : ok({ physicalId: role.name, attributes: { Arn: role.arn, RoleId: role.id } });
}

type Steps = readonly (() => Answered<unknown>)[];

function update(
  acting: Acting,
  { physicalId: name, properties: old }: Existing,
  now: JsonObject,
): Answered<Stood> {
  const changed = (...properties: readonly string[]): boolean =>
    properties.some((property) => !same(old[property] ?? null, now[property] ?? null));
  const done = inTurn([
    ...(changed("AssumeRolePolicyDocument")
      ? [
          () =>
            acting.iam("UpdateAssumeRolePolicy", {
              RoleName: name,
              PolicyDocument: documentOf(now, "AssumeRolePolicyDocument"),
            }),
        ]
      : []),
    ...(changed("Description", "MaxSessionDuration")
      ? [
          () =>
            acting.iam("UpdateRole", {
              RoleName: name,
              Description: textOf(now, "Description") ?? "",
              MaxSessionDuration: textOf(now, "MaxSessionDuration"),
            }),
        ]
      : []),
    ...(changed("PermissionsBoundary")
      ? [() => bound(acting, name, textOf(now, "PermissionsBoundary"))]
      : []),
    ...policySteps(acting, name, old, now),
    ...tagSteps(acting, name, old, now),
  ]);
  return done.ok ? stood(acting, name) : done;
}

const bound = (acting: Acting, name: string, arn: string | null): Answered<unknown> =>
  arn === null
    ? acting.iam("DeleteRolePermissionsBoundary", { RoleName: name })
    : acting.iam("PutRolePermissionsBoundary", { RoleName: name, PermissionsBoundary: arn });

function policySteps(acting: Acting, name: string, old: JsonObject, now: JsonObject): Steps {
  const [before, after] = [policiesOf(old), policiesOf(now)];
  const [were, are] = [textsOf(old, "ManagedPolicyArns"), textsOf(now, "ManagedPolicyArns")];
  return [
    ...[...after]
      .filter(([policy, text]) => before.get(policy) !== text)
      .map(
        ([policy, text]) =>
          () =>
            put(acting, name, policy, text),
      ),
    ...[...before.keys()]
      .filter((policy) => !after.has(policy))
      .map((policy) => () => drop(acting, name, policy)),
    // Detached first: a role that has as many as it may could otherwise never exchange one.
    ...were.filter((arn) => !are.includes(arn)).map((arn) => () => detach(acting, name, arn)),
    ...are.filter((arn) => !were.includes(arn)).map((arn) => () => attach(acting, name, arn)),
  ];
}

function tagSteps(acting: Acting, name: string, old: JsonObject, now: JsonObject): Steps {
  const [before, after] = [tagsIn(old), tagsIn(now)];
  const lost = before.filter((tag) => !after.some((other) => other.key === tag.key)).map((tag) => tag.key);
  const set = after.filter(
    (tag) => !before.some((other) => other.key === tag.key && other.value === tag.value),
  );
  return [
    ...(lost.length === 0 ? [] : [() => acting.iam("UntagRole", { RoleName: name, TagKeys: lost })]),
    ...(set.length === 0
      ? []
      : [
          () =>
            acting.iam("TagRole", {
              RoleName: name,
              Tags: set.map((tag) => ({ Key: tag.key, Value: tag.value })),
            }),
        ]),
  ];
}

/** Policies that the stack did not put there stand in the way, as in AWS. */
function remove(acting: Acting, { physicalId: name, properties }: Existing): Answered<null> {
  return inTurn([
    ...textsOf(properties, "ManagedPolicyArns").map((arn) => () => detach(acting, name, arn)),
    ...[...policiesOf(properties).keys()].map((policy) => () => drop(acting, name, policy)),
    () => gone(acting.iam("DeleteRole", { RoleName: name })),
  ]);
}
