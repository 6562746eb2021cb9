/** IAM as the SDK sees it: a role and its policies from making to deleting, and the quotas on the way. */
import {
  AttachRolePolicyCommand,
  CreatePolicyCommand,
  CreatePolicyVersionCommand,
  CreateRoleCommand,
  DeletePolicyCommand,
  DeletePolicyVersionCommand,
  DeleteRoleCommand,
  DeleteRolePermissionsBoundaryCommand,
  DeleteRolePolicyCommand,
  DetachRolePolicyCommand,
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  ListAttachedRolePoliciesCommand,
  ListPoliciesCommand,
  ListPolicyVersionsCommand,
  ListRolePoliciesCommand,
  ListRolesCommand,
  ListRoleTagsCommand,
  PutRolePermissionsBoundaryCommand,
  PutRolePolicyCommand,
  SetDefaultPolicyVersionCommand,
  TagRoleCommand,
  UntagRoleCommand,
  UpdateAssumeRolePolicyCommand,
  UpdateRoleCommand,
} from "@aws-sdk/client-iam";
import { GetCallerIdentityCommand } from "@aws-sdk/client-sts";
import { expect, test } from "vitest";
import {
  ACCOUNT,
  allow,
  assume,
  BROKER,
  BROKER_KEYS,
  deny,
  document,
  HOP,
  refusal,
  startWorld,
  trust,
} from "./world.ts";

const RoleName = "made";
const Trust = JSON.stringify(document(trust(BROKER)));
const ALLOW_ALL = JSON.stringify(document(allow("*")));
/** A policy whose text without white space has exactly `length` characters. */
const sized = (length: number): string => {
  const bare = JSON.stringify(document({ ...allow("*"), Sid: "A" }));
  return bare.replace('"A"', `"${"A".repeat(length - bare.length + 1)}"`);
};

test("a role is made with path, tags, boundary and session length, read back, listed and deleted", async () => {
  const world = await startWorld();
  const iam = world.iam();
  const boundary = `arn:aws:iam::${ACCOUNT}:policy/only-look`;
  await iam.send(
    new CreateRoleCommand({
      RoleName,
      Path: "/app/",
      AssumeRolePolicyDocument: Trust,
      Description: "for <tests> & more",
      MaxSessionDuration: 7200,
      PermissionsBoundary: boundary,
      Tags: [{ Key: "team", Value: "a/b" }],
    }),
  );
  const { Role } = await iam.send(new GetRoleCommand({ RoleName }));
  expect(Role).toMatchObject({
    Arn: `arn:aws:iam::${ACCOUNT}:role/app/made`,
    Description: "for <tests> & more",
    MaxSessionDuration: 7200,
    PermissionsBoundary: { PermissionsBoundaryArn: boundary },
    Tags: [{ Key: "team", Value: "a/b" }],
  });
  expect(Role?.RoleId).toMatch(/^AROA[A-Z2-7]{17}$/);
  expect(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? "")).toBe(Trust);
  const { Roles } = await iam.send(new ListRolesCommand({ PathPrefix: "/app/" }));
  expect(Roles?.map((role) => role.RoleName)).toEqual([RoleName]);
  expect(
    (await refusal(iam.send(new CreateRoleCommand({ RoleName: "MADE", AssumeRolePolicyDocument: Trust }))))
      .code,
  ).toBe("EntityAlreadyExists");
  await iam.send(new DeleteRoleCommand({ RoleName }));
  expect(await refusal(iam.send(new GetRoleCommand({ RoleName })))).toMatchObject({
    code: "NoSuchEntity",
    status: 404,
  });
});

test("inline and managed policies are put, read, listed and taken away, and take effect at once", async () => {
  const world = await startWorld();
  const iam = world.iam();
  await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: Trust }));
  const session = world.iam(await assume(world.sts(), { RoleArn: `arn:aws:iam::${ACCOUNT}:role/made` }));
  const look = (): Promise<unknown> => session.send(new ListRolesCommand({}));
  expect((await refusal(look())).code).toBe("AccessDenied");

  await iam.send(new PutRolePolicyCommand({ RoleName, PolicyName: "all", PolicyDocument: ALLOW_ALL }));
  await look();
  const inline = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName: "all" }));
  expect(decodeURIComponent(inline.PolicyDocument ?? "")).toBe(ALLOW_ALL);
  expect((await iam.send(new ListRolePoliciesCommand({ RoleName }))).PolicyNames).toEqual(["all"]);

  const PolicyDocument = JSON.stringify(document(deny("iam:List*")));
  const { Policy } = await iam.send(
    new CreatePolicyCommand({ PolicyName: "no-list", Path: "/twokey/", PolicyDocument }),
  );
  const PolicyArn = `arn:aws:iam::${ACCOUNT}:policy/twokey/no-list`;
  expect(Policy?.Arn).toBe(PolicyArn);
  await iam.send(new AttachRolePolicyCommand({ RoleName, PolicyArn }));
  expect((await refusal(look())).message).toContain("with an explicit deny in an identity-based policy");
  expect((await iam.send(new GetPolicyCommand({ PolicyArn }))).Policy?.AttachmentCount).toBe(1);
  const version = await iam.send(new GetPolicyVersionCommand({ PolicyArn, VersionId: "v1" }));
  expect(decodeURIComponent(version.PolicyVersion?.Document ?? "")).toBe(PolicyDocument);
  expect(
    (await iam.send(new ListPoliciesCommand({ Scope: "Local", PathPrefix: "/twokey/" }))).Policies?.length,
  ).toBe(1);
  expect((await iam.send(new ListAttachedRolePoliciesCommand({ RoleName }))).AttachedPolicies).toEqual([
    { PolicyName: "no-list", PolicyArn },
  ]);

  for (const blocked of [new DeletePolicyCommand({ PolicyArn }), new DeleteRoleCommand({ RoleName })])
    expect((await refusal(iam.send(blocked as DeletePolicyCommand))).code).toBe("DeleteConflict");
  await iam.send(new DetachRolePolicyCommand({ RoleName, PolicyArn }));
  await look();
  expect((await refusal(iam.send(new DeleteRoleCommand({ RoleName })))).code).toBe("DeleteConflict");
  await iam.send(new DeleteRolePolicyCommand({ RoleName, PolicyName: "all" }));
  await iam.send(new DeletePolicyCommand({ PolicyArn }));
  await iam.send(new DeleteRoleCommand({ RoleName }));
});

test("a new version of a managed policy counts once it is the default; five are the most, v1's number never returns", async () => {
  const world = await startWorld();
  const iam = world.iam();
  const PolicyArn = `arn:aws:iam::${ACCOUNT}:policy/only-look`;
  await iam.send(new AttachRolePolicyCommand({ RoleName: "hop", PolicyArn }));
  const session = world.iam(await assume(world.sts(await assume(world.sts())), { RoleArn: HOP }));
  const look = (): Promise<unknown> => session.send(new ListRolesCommand({}));
  await look();
  const PolicyDocument = JSON.stringify(document(deny("iam:List*")));
  const version = (SetAsDefault: boolean) =>
    iam.send(new CreatePolicyVersionCommand({ PolicyArn, PolicyDocument, SetAsDefault }));
  const made = await version(false);
  expect([made.PolicyVersion?.VersionId, made.PolicyVersion?.IsDefaultVersion]).toEqual(["v2", false]);
  await look();
  await iam.send(new SetDefaultPolicyVersionCommand({ PolicyArn, VersionId: "v2" }));
  expect((await refusal(look())).message).toContain("with an explicit deny in an identity-based policy");
  expect((await iam.send(new GetPolicyCommand({ PolicyArn }))).Policy?.DefaultVersionId).toBe("v2");
  const read = await iam.send(new GetPolicyVersionCommand({ PolicyArn, VersionId: "v2" }));
  expect(decodeURIComponent(read.PolicyVersion?.Document ?? "")).toBe(PolicyDocument);

  const drop = (VersionId: string): Promise<unknown> =>
    iam.send(new DeletePolicyVersionCommand({ PolicyArn, VersionId }));
  expect((await refusal(drop("v2"))).code).toBe("DeleteConflict");
  for (let count = 2; count < 5; count += 1) await version(true);
  expect((await refusal(version(true))).code).toBe("LimitExceeded");
  await drop("v1");
  await version(true);
  const { Versions } = await iam.send(new ListPolicyVersionsCommand({ PolicyArn }));
  expect(Versions?.map((item) => item.VersionId)).toEqual(["v6", "v5", "v4", "v3", "v2"]);
  expect((await refusal(drop("v1"))).code).toBe("NoSuchEntity");
  await iam.send(new DetachRolePolicyCommand({ RoleName: "hop", PolicyArn }));
  expect((await refusal(iam.send(new DeletePolicyCommand({ PolicyArn })))).code).toBe("DeleteConflict");
});

test("a role's description and session length are changed; a length that is not sent is an hour again", async () => {
  const world = await startWorld();
  const iam = world.iam();
  const read = async () => (await iam.send(new GetRoleCommand({ RoleName: "hop" }))).Role;
  await iam.send(new UpdateRoleCommand({ RoleName: "hop", Description: "d", MaxSessionDuration: 7200 }));
  expect(await read()).toMatchObject({ Description: "d", MaxSessionDuration: 7200 });
  await iam.send(new UpdateRoleCommand({ RoleName: "hop" }));
  expect(await read()).toMatchObject({ Description: "d", MaxSessionDuration: 3600 });
});

test("a session ends with its role, even when a role of the same name is made again", async () => {
  const world = await startWorld();
  const iam = world.iam();
  await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: Trust }));
  const sts = world.sts(await assume(world.sts(), { RoleArn: `arn:aws:iam::${ACCOUNT}:role/made` }));
  await sts.send(new GetCallerIdentityCommand({}));
  await iam.send(new DeleteRoleCommand({ RoleName }));
  await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: Trust }));
  expect((await refusal(sts.send(new GetCallerIdentityCommand({})))).code).toBe("InvalidClientTokenId");
});

test("a boundary, a trust policy and tags are changed and taken away", async () => {
  const world = await startWorld();
  const iam = world.iam();
  const session = world.iam(await assume(world.sts()));
  const operator = { RoleName: "operator" };
  const look = (): Promise<unknown> => session.send(new ListRolesCommand({}));
  await iam.send(
    new PutRolePermissionsBoundaryCommand({
      ...operator,
      PermissionsBoundary: `arn:aws:iam::${ACCOUNT}:policy/only-look`,
    }),
  );
  expect((await refusal(look())).message).toContain("no permissions boundary allows");
  await iam.send(new DeleteRolePermissionsBoundaryCommand(operator));
  await look();
  await iam.send(
    new TagRoleCommand({
      ...operator,
      Tags: [
        { Key: "TEAM", Value: "x" },
        { Key: "b", Value: "" },
      ],
    }),
  );
  await iam.send(new UntagRoleCommand({ ...operator, TagKeys: ["B"] }));
  expect((await iam.send(new ListRoleTagsCommand(operator))).Tags).toEqual([{ Key: "TEAM", Value: "x" }]);
  await iam.send(
    new UpdateAssumeRolePolicyCommand({
      ...operator,
      PolicyDocument: JSON.stringify(document(trust(`arn:aws:iam::${ACCOUNT}:user/admin`))),
    }),
  );
  expect((await refusal(assume(world.sts(BROKER_KEYS)))).code).toBe("AccessDenied");
});

test("quotas: 10,240 characters of inline policies in all, 6,144 of a managed one, 2,048 of a trust policy", async () => {
  const world = await startWorld();
  const iam = world.iam();
  await iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument: Trust }));
  const put = (PolicyName: string, PolicyDocument: string): Promise<unknown> =>
    iam.send(new PutRolePolicyCommand({ RoleName, PolicyName, PolicyDocument }));
  await put("a", sized(10_000));
  await put("b", `${sized(240)}${" ".repeat(500)}`);
  expect((await refusal(put("b", sized(241)))).code).toBe("LimitExceeded");
  expect((await refusal(put("c", sized(100)))).message).toContain("Maximum policy size of 10240 bytes");
  await iam.send(new CreatePolicyCommand({ PolicyName: "fits", PolicyDocument: sized(6144) }));
  expect(
    (await refusal(iam.send(new CreatePolicyCommand({ PolicyName: "no", PolicyDocument: sized(6145) }))))
      .code,
  ).toBe("LimitExceeded");
  const long = JSON.stringify(document({ ...trust(BROKER), Sid: "A".repeat(2000) }));
  expect(
    (await refusal(iam.send(new UpdateAssumeRolePolicyCommand({ RoleName, PolicyDocument: long })))).code,
  ).toBe("LimitExceeded");
});

test("what does not parse is refused and nothing is kept of it", async () => {
  const world = await startWorld();
  const iam = world.iam();
  const role = (AssumeRolePolicyDocument: string): Promise<unknown> =>
    iam.send(new CreateRoleCommand({ RoleName, AssumeRolePolicyDocument }));
  for (const bad of ["{", "[]", ALLOW_ALL])
    expect((await refusal(role(bad))).code).toBe("MalformedPolicyDocument");
  expect((await refusal(iam.send(new GetRoleCommand({ RoleName })))).code).toBe("NoSuchEntity");
  for (const name of ["", "a/b", "../x", "x".repeat(65)])
    expect((await refusal(iam.send(new GetRoleCommand({ RoleName: name })))).code).toBe("ValidationError");
});

test("lists come in pages", async () => {
  const world = await startWorld();
  const iam = world.iam();
  const first = await iam.send(new ListRolesCommand({ MaxItems: 2 }));
  expect([first.Roles?.length, first.IsTruncated]).toEqual([2, true]);
  const second = await iam.send(new ListRolesCommand({ MaxItems: 2, Marker: first.Marker }));
  expect([second.Roles?.length, second.IsTruncated]).toEqual([1, false]);
  expect((await refusal(iam.send(new ListRolesCommand({ Marker: "made-up" })))).code).toBe("ValidationError");
});
