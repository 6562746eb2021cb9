/** Who is asked for a stack's IAM resources: its service role, or without one the caller, each within all its limits. */
import { DeleteStackCommand } from "@aws-sdk/client-cloudformation";
import { GetRoleCommand, ListRolesCommand, PutRolePolicyCommand } from "@aws-sdk/client-iam";
import { expect, test } from "vitest";
import type { Statement } from "../../src/policy/iam/types.ts";
import {
  agent,
  BOUNDARY,
  create,
  eventsOf,
  fence,
  StackName,
  stackOf,
  template,
  update,
} from "./ai-stack.ts";
import {
  allow,
  assume,
  deny,
  document,
  OPERATOR,
  refusal,
  SERVICE_ROLE,
  startWorld,
  type TestWorld,
} from "./world.ts";

const ENOUGH = "iam:CreateRole iam:TagRole iam:PutRolePolicy iam:GetRole iam:CreatePolicy".split(" ");

const letServiceRole = (world: TestWorld, ...statements: readonly Statement[]): Promise<unknown> =>
  world.iam().send(
    new PutRolePolicyCommand({
      RoleName: "stack-service",
      PolicyName: "may",
      PolicyDocument: JSON.stringify(document(...statements)),
    }),
  );

const failureOf = async (world: TestWorld): Promise<string | undefined> =>
  (await eventsOf(world.cloudformation())).find(([, status]) => status?.endsWith("_FAILED"))?.[2];

test.each(ENOUGH)(
  "the stack's service role needs %s: the caller's own permissions do not count",
  async (action) => {
    const world = await startWorld();
    await letServiceRole(world, allow(ENOUGH.filter((other) => other !== action)));
    await create(world.cloudformation(), { RoleARN: SERVICE_ROLE });
    expect((await stackOf(world.cloudformation()))?.StackStatus).toBe("ROLLBACK_COMPLETE");
    expect(await failureOf(world)).toContain(
      `User: arn:aws:sts::111122223333:assumed-role/stack-service/AWSCloudFormation is not authorized to perform: ${action} on resource: `,
    );
    expect((await refusal(world.iam().send(new GetRoleCommand({ RoleName: "agent" })))).code).toBe(
      "NoSuchEntity",
    );
  },
);

test("a service role that may do so makes them, for a caller that may not", async () => {
  const world = await startWorld();
  await letServiceRole(world, allow(ENOUGH));
  const keys = await assume(world.sts(), {
    Policy: JSON.stringify(document(allow(["cloudformation:*", "iam:PassRole"]))),
  });
  await create(world.cloudformation(keys), { RoleARN: SERVICE_ROLE });
  expect((await stackOf(world.cloudformation()))?.StackStatus).toBe("CREATE_COMPLETE");
  const made = world.aws.state.events().filter((event) => event.eventName === "CreateRole");
  expect(made).toMatchObject([
    {
      eventSource: "iam.amazonaws.com",
      sourceIPAddress: "cloudformation.amazonaws.com",
      userIdentity: {
        type: "AssumedRole",
        invokedBy: "cloudformation.amazonaws.com",
        sessionContext: { sessionIssuer: { arn: SERVICE_ROLE } },
      },
    },
  ]);
});

test("a service role that must set a boundary cannot make a role without it, nor take it off", async () => {
  const world = await startWorld();
  const off = "iam:DeleteRolePermissionsBoundary";
  await letServiceRole(
    world,
    allow("*"),
    {
      ...deny(["iam:CreateRole", "iam:PutRolePolicy"]),
      Condition: { StringNotEquals: { "iam:PermissionsBoundary": BOUNDARY } },
    },
    deny(off),
  );
  const client = world.cloudformation();
  await create(client, { RoleARN: SERVICE_ROLE });
  expect((await stackOf(client))?.StackStatus).toBe("CREATE_COMPLETE");
  const bare = { PermissionsBoundary: { Ref: "AWS::NoValue" } };
  await update(client, { TemplateBody: template(fence(), agent(bare)) });
  expect((await stackOf(client))?.StackStatus).toBe("UPDATE_ROLLBACK_COMPLETE");
  expect(await failureOf(world)).toContain(off);
  expect(
    (await world.iam().send(new GetRoleCommand({ RoleName: "agent" }))).Role?.PermissionsBoundary
      ?.PermissionsBoundaryArn,
  ).toBe(BOUNDARY);
});

test("without a service role the caller is asked, its session policy included", async () => {
  const world = await startWorld();
  const fenced = await assume(world.sts(), {
    Policy: JSON.stringify(document(allow("*"), deny("iam:CreateRole"))),
  });
  await create(world.cloudformation(fenced));
  expect(await failureOf(world)).toContain(
    "User: arn:aws:sts::111122223333:assumed-role/operator/orders-ci is not authorized to perform: iam:CreateRole on resource: arn:aws:iam::111122223333:role/twokey/agent with an explicit deny in a session policy",
  );
});

test("calls that CloudFormation makes for the caller say so, and do not come from the caller's address", async () => {
  const world = await startWorld();
  const only = (Condition: NonNullable<Statement["Condition"]>) => async () => {
    const Policy = JSON.stringify(document(allow("cloudformation:*"), { ...allow("iam:*"), Condition }));
    const client = world.cloudformation(await assume(world.sts(), { Policy }));
    await create(client);
    const status = (await stackOf(client))?.StackStatus;
    await client.send(new DeleteStackCommand({ StackName }));
    return status;
  };
  const via = { "aws:CalledVia": "cloudformation.amazonaws.com" };
  expect(await only({ "ForAnyValue:StringEquals": via })()).toBe("CREATE_COMPLETE");
  expect(await only({ Bool: { "aws:ViaAWSService": "true" } })()).toBe("CREATE_COMPLETE");
  expect(await only({ IpAddress: { "aws:SourceIp": "127.0.0.1" } })()).toBe("ROLLBACK_COMPLETE");
  const Policy = JSON.stringify(
    document({ ...allow("iam:*"), Condition: { Bool: { "aws:ViaAWSService": "true" } } }),
  );
  const direct = world.iam(await assume(world.sts(), { Policy }));
  expect((await refusal(direct.send(new ListRolesCommand({})))).code).toBe("AccessDenied");
});

test("deleting a stack acts as its role, and as the role that is passed where one is", async () => {
  const world = await startWorld();
  const client = world.cloudformation();
  await letServiceRole(world, allow(ENOUGH));
  await create(client, { RoleARN: SERVICE_ROLE });
  await client.send(new DeleteStackCommand({ StackName }));
  expect((await stackOf(client))?.StackStatus).toBe("DELETE_FAILED");
  expect(await failureOf(world)).toContain("is not authorized to perform: iam:DeleteRolePolicy");
  const refused = client.send(new DeleteStackCommand({ StackName, RoleARN: OPERATOR }));
  expect((await refusal(refused)).message).toContain("is invalid or cannot be assumed");
  await letServiceRole(world, allow("iam:*"));
  await client.send(new DeleteStackCommand({ StackName, RoleARN: SERVICE_ROLE }));
  expect((await refusal(stackOf(client))).message).toContain("does not exist");
});

test("a service role that may put policies on itself may do anything: permissions are read at each step", async () => {
  const world = await startWorld();
  const grant = {
    Grant: {
      Type: "AWS::IAM::RolePolicy",
      Properties: { RoleName: "stack-service", PolicyName: "more", PolicyDocument: document(allow("*")) },
    },
  };
  await letServiceRole(world, allow("iam:PutRolePolicy"));
  await create(world.cloudformation(), {
    TemplateBody: template(grant, fence(), agent()),
    RoleARN: SERVICE_ROLE,
  });
  expect((await stackOf(world.cloudformation()))?.StackStatus).toBe("CREATE_COMPLETE");
});
