/** IAM resources of a stack are real: made, changed, replaced and deleted with it, and in force meanwhile. */
import {
  CreateChangeSetCommand,
  DeleteStackCommand,
  DescribeChangeSetCommand,
  ExecuteChangeSetCommand,
} from "@aws-sdk/client-cloudformation";
import {
  GetPolicyCommand,
  GetPolicyVersionCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  ListAttachedRolePoliciesCommand,
  ListRolePoliciesCommand,
  ListRolesCommand,
  PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { expect, test } from "vitest";
import {
  AGENT,
  agent,
  BOUNDARY,
  Capabilities,
  create,
  eventsOf,
  fence,
  StackName,
  stackOf,
  template,
  TemplateBody,
  update,
} from "./ai-stack.ts";
import {
  ACCOUNT,
  ADMIN_KEYS,
  allow,
  assume,
  BROKER,
  deny,
  document,
  refusal,
  startWorld,
  trust,
} from "./world.ts";

test("a stack makes its role and policy in the order of their references, with everything the template says", async () => {
  const world = await startWorld();
  const [client, iam] = [world.cloudformation(), world.iam()];
  await create(client, { Tags: [{ Key: "team", Value: "security" }] });
  const { Role } = await iam.send(new GetRoleCommand({ RoleName: "agent" }));
  expect(Role).toMatchObject({
    Arn: AGENT,
    Description: "for agents",
    MaxSessionDuration: 7200,
    PermissionsBoundary: { PermissionsBoundaryType: "Policy", PermissionsBoundaryArn: BOUNDARY },
    Tags: [
      { Key: "team", Value: "security" },
      { Key: "twokey:principal", Value: "ai-agent" },
    ],
  });
  expect(JSON.parse(decodeURIComponent(Role?.AssumeRolePolicyDocument ?? ""))).toEqual(
    document(trust(BROKER)),
  );
  expect((await eventsOf(client)).map(([id, status]) => [id, status])).toEqual([
    [StackName, "CREATE_IN_PROGRESS"],
    ["Fence", "CREATE_COMPLETE"],
    ["Agent", "CREATE_COMPLETE"],
    [StackName, "CREATE_COMPLETE"],
  ]);
  const stack = await stackOf(client);
  expect(stack).toMatchObject({ StackStatus: "CREATE_COMPLETE", Capabilities });
  expect(stack?.Outputs).toEqual([
    { OutputKey: "Role", OutputValue: AGENT },
    { OutputKey: "Name", OutputValue: "agent" },
    { OutputKey: "Id", OutputValue: `id ${Role?.RoleId ?? ""} of ai-roles` },
    { OutputKey: "Boundary", OutputValue: BOUNDARY },
  ]);
});

test("the boundary of a role that a stack made denies what the role's own policy allows", async () => {
  const world = await startWorld();
  await create(world.cloudformation());
  const session = await assume(world.sts(), { RoleArn: AGENT });
  const refused = await refusal(world.iam(session).send(new ListRolesCommand({})));
  expect(refused).toMatchObject({ code: "AccessDenied", status: 403 });
  expect(refused.message).toContain("with an explicit deny in a permissions boundary");
  await world.iam(session).send(new GetRoleCommand({ RoleName: "agent" }));
});

test("an update changes the role in place and leaves alone what others put on it", async () => {
  const world = await startWorld();
  const [client, iam] = [world.cloudformation(), world.iam()];
  await create(client);
  const session = world.iam(await assume(world.sts(), { RoleArn: AGENT }));
  const freeze = JSON.stringify(document(deny("iam:TagRole")));
  await iam.send(
    new PutRolePolicyCommand({ RoleName: "agent", PolicyName: "freeze", PolicyDocument: freeze }),
  );
  await update(client, {
    TemplateBody: template(
      fence(),
      agent({
        MaxSessionDuration: 3600,
        Description: "changed",
        PermissionsBoundary: { Ref: "AWS::NoValue" },
        Policies: [{ PolicyName: "narrow", PolicyDocument: document(allow("iam:ListRoles")) }],
        ManagedPolicyArns: [{ Ref: "Fence" }],
        Tags: [{ Key: "other", Value: "x" }],
      }),
    ),
  });
  const { Role } = await iam.send(new GetRoleCommand({ RoleName: "agent" }));
  expect(Role).toMatchObject({
    MaxSessionDuration: 3600,
    Description: "changed",
    Tags: [{ Key: "other", Value: "x" }],
  });
  expect(Role?.PermissionsBoundary).toBeUndefined();
  expect((await iam.send(new ListRolePoliciesCommand({ RoleName: "agent" }))).PolicyNames?.sort()).toEqual([
    "freeze",
    "narrow",
  ]);
  expect(
    (await iam.send(new ListAttachedRolePoliciesCommand({ RoleName: "agent" }))).AttachedPolicies,
  ).toEqual([{ PolicyName: "fence", PolicyArn: BOUNDARY }]);
  // The same role: a session from before lives on, under the new policies.
  expect((await refusal(session.send(new ListRolesCommand({})))).message).toContain(
    "with an explicit deny in an identity-based policy",
  );
});

test("a managed policy changed through the stack is in force at once, as a new version", async () => {
  const world = await startWorld();
  const [client, iam] = [world.cloudformation(), world.iam()];
  await create(client);
  const session = world.iam(await assume(world.sts(), { RoleArn: AGENT }));
  for (let count = 0; count < 6; count += 1)
    await update(client, {
      TemplateBody: template(
        fence({ PolicyDocument: document(allow("*"), deny(`iam:Get${"*".repeat(count + 1)}`)) }),
        agent(),
      ),
    });
  await session.send(new ListRolesCommand({}));
  expect((await refusal(session.send(new GetRoleCommand({ RoleName: "agent" })))).code).toBe("AccessDenied");
  const { Policy } = await iam.send(new GetPolicyCommand({ PolicyArn: BOUNDARY }));
  expect(Policy).toMatchObject({ DefaultVersionId: "v7", PermissionsBoundaryUsageCount: 1 });
  const version = await iam.send(new GetPolicyVersionCommand({ PolicyArn: BOUNDARY, VersionId: "v7" }));
  expect(JSON.parse(decodeURIComponent(version.PolicyVersion?.Document ?? ""))).toEqual(
    document(allow("*"), deny("iam:Get******")),
  );
});

test("a new name or path replaces the role, after what refers to it, and a kept custom name refuses that", async () => {
  const world = await startWorld();
  const [client, iam] = [world.cloudformation(), world.iam()];
  await create(client);
  await update(client, { TemplateBody: template(fence(), agent({ RoleName: "agent-2", Path: "/" })) });
  expect((await refusal(iam.send(new GetRoleCommand({ RoleName: "agent" })))).code).toBe("NoSuchEntity");
  expect((await stackOf(client))?.Outputs?.[0]?.OutputValue).toBe(`arn:aws:iam::${ACCOUNT}:role/agent-2`);
  await update(client, { TemplateBody: template(fence(), agent({ RoleName: "agent-2", Path: "/x/" })) });
  expect(await stackOf(client)).toMatchObject({ StackStatus: "UPDATE_ROLLBACK_COMPLETE" });
  expect((await eventsOf(client)).find(([, status]) => status === "UPDATE_FAILED")?.[2]).toBe(
    "CloudFormation cannot update a stack when a custom-named resource requires replacing. Rename agent-2 and update the stack ai-roles again.",
  );
  expect((await iam.send(new GetRoleCommand({ RoleName: "agent-2" }))).Role?.Path).toBe("/");
});

test("deleting the stack deletes its roles and policies, but for those to be retained", async () => {
  const world = await startWorld();
  const [client, iam] = [world.cloudformation(), world.iam()];
  const retained = { Fence: { ...fence().Fence, DeletionPolicy: "Retain" } };
  await create(client, { TemplateBody: template(agent(), retained) });
  const session = world.iam(await assume(world.sts(), { RoleArn: AGENT }));
  const { StackId } = (await stackOf(client)) ?? {};
  await client.send(new DeleteStackCommand({ StackName }));
  expect((await eventsOf(client, StackId)).slice(-3).map(([id, status]) => [id, status])).toEqual([
    ["Agent", "DELETE_COMPLETE"],
    ["Fence", "DELETE_SKIPPED"],
    [StackName, "DELETE_COMPLETE"],
  ]);
  expect((await refusal(iam.send(new GetRoleCommand({ RoleName: "agent" })))).code).toBe("NoSuchEntity");
  expect((await iam.send(new GetPolicyCommand({ PolicyArn: BOUNDARY }))).Policy?.PolicyName).toBe("fence");
  expect((await refusal(session.send(new GetRoleCommand({ RoleName: "agent" })))).code).toBe(
    "InvalidClientTokenId",
  );
});

test("a change set tells of IAM resources what will happen, and executing it makes it happen", async () => {
  const world = await startWorld();
  const client = world.cloudformation();
  const prepare = (ChangeSetName: string, ChangeSetType: "CREATE" | "UPDATE", body: string) =>
    client.send(
      new CreateChangeSetCommand({
        StackName,
        ChangeSetName,
        ChangeSetType,
        TemplateBody: body,
        Capabilities,
      }),
    );
  await prepare("first", "CREATE", TemplateBody);
  expect((await refusal(world.iam().send(new GetRoleCommand({ RoleName: "agent" })))).code).toBe(
    "NoSuchEntity",
  );
  await client.send(new ExecuteChangeSetCommand({ StackName, ChangeSetName: "first" }));
  await world.iam().send(new GetRoleCommand({ RoleName: "agent" }));

  await prepare(
    "second",
    "UPDATE",
    template(fence({ Path: "/other/" }), agent({ PermissionsBoundary: BOUNDARY })),
  );
  const { Changes } = await client.send(new DescribeChangeSetCommand({ StackName, ChangeSetName: "second" }));
  expect(
    Changes?.map(({ ResourceChange: change }) => [
      change?.LogicalResourceId,
      change?.Action,
      change?.Replacement,
    ]),
  ).toEqual([
    ["Fence", "Modify", "True"],
    ["Agent", "Modify", "False"],
  ]);
  await client.send(new ExecuteChangeSetCommand({ StackName, ChangeSetName: "second" }));
  expect((await stackOf(client))?.StackStatus).toBe("UPDATE_ROLLBACK_COMPLETE");
  const failed = await client.send(new DescribeChangeSetCommand({ StackName, ChangeSetName: "second" }));
  expect(failed.ExecutionStatus).toBe("EXECUTE_FAILED");
});

test("policies put on roles by their own resources are put, changed and taken away with them", async () => {
  const world = await startWorld();
  const [client, iam] = [world.cloudformation(), world.iam()];
  const inline = (statement: object, roles: readonly unknown[]) => ({
    More: {
      Type: "AWS::IAM::Policy",
      Properties: { PolicyName: "more", PolicyDocument: document(statement as never), Roles: roles },
    },
    One: {
      Type: "AWS::IAM::RolePolicy",
      Properties: { PolicyName: "one", RoleName: { Ref: "Agent" }, PolicyDocument: document(allow("s3:*")) },
    },
  });
  const names = async (RoleName: string) =>
    (await iam.send(new ListRolePoliciesCommand({ RoleName }))).PolicyNames?.sort();
  await create(client, {
    TemplateBody: template(inline(allow("sqs:*"), [{ Ref: "Agent" }, "hop"]), agent(), fence()),
  });
  expect([await names("agent"), await names("hop")]).toEqual([
    ["more", "one", "wide"],
    ["all", "more"],
  ]);
  await update(client, {
    TemplateBody: template(inline(allow("sns:*"), [{ Ref: "Agent" }]), agent(), fence()),
  });
  expect(await names("hop")).toEqual(["all"]);
  const read = await iam.send(new GetRolePolicyCommand({ RoleName: "agent", PolicyName: "more" }));
  expect(JSON.parse(decodeURIComponent(read.PolicyDocument ?? ""))).toEqual(document(allow("sns:*")));
  await update(client, { TemplateBody });
  expect(await names("agent")).toEqual(["wide"]);
});

test("a stack given from the start makes its roles too, and one that cannot be is a fault at start-up", async () => {
  const world = await startWorld((account) => ({
    ...account,
    scps: [[document(allow("cloudformation:*"))]],
    stacks: [{ name: "s", template: TemplateBody }],
  }));
  // The organisation stops the call, not the making of the role.
  expect((await refusal(assume(world.sts(), { RoleArn: AGENT }))).message).toContain(
    "service control policy",
  );
  expect(world.aws.state.events().map((event) => event.eventName)).toEqual(["AssumeRole"]);
  expect((await stackOf(world.cloudformation(ADMIN_KEYS), "s"))?.Outputs?.[0]?.OutputValue).toBe(AGENT);
  const taken = template(fence(), agent({ RoleName: "hop" }));
  await expect(
    startWorld((account) => ({ ...account, stacks: [{ name: "s", template: taken }] })),
  ).rejects.toThrow("local AWS: stack s: ");
});
