/** A stack with IAM resources that cannot be: what is rolled back, and that nothing stays behind. */
import {
  type CreateStackCommandInput,
  CreateChangeSetCommand,
  DeleteStackCommand,
  GetTemplateSummaryCommand,
} from "@aws-sdk/client-cloudformation";
import {
  AttachRolePolicyCommand,
  CreateRoleCommand,
  GetPolicyCommand,
  GetRoleCommand,
  GetRolePolicyCommand,
  ListAttachedRolePoliciesCommand,
  ListPoliciesCommand,
  ListRolesCommand,
  PutRolePolicyCommand,
} from "@aws-sdk/client-iam";
import { expect, test } from "vitest";
import {
  agent,
  BOUNDARY,
  create,
  eventsOf,
  fence,
  StackName,
  stackOf,
  template,
  TemplateBody,
  update,
} from "./ai-stack.ts";
import { ACCOUNT, allow, BROKER, document, refusal, startWorld, trust } from "./world.ts";

test("IAM resources need CAPABILITY_IAM, named ones CAPABILITY_NAMED_IAM, for stacks and change sets alike", async () => {
  const world = await startWorld();
  const client = world.cloudformation();
  for (const given of [[], ["CAPABILITY_IAM"]] as CreateStackCommandInput["Capabilities"][])
    for (const refused of [
      create(client, { Capabilities: given }),
      client.send(
        new CreateChangeSetCommand({
          StackName,
          ChangeSetName: "c",
          ChangeSetType: "CREATE",
          TemplateBody,
          Capabilities: given,
        }),
      ),
    ])
      expect(await refusal(refused)).toEqual({
        code: "InsufficientCapabilitiesException",
        message: "Requires capabilities : [CAPABILITY_NAMED_IAM]",
        status: 400,
      });
  const unnamed = JSON.stringify({
    Resources: {
      P: { Type: "AWS::IAM::ManagedPolicy", Properties: { PolicyDocument: document(allow("*")) } },
    },
  });
  expect((await refusal(create(client, { TemplateBody: unnamed, Capabilities: [] }))).message).toBe(
    "Requires capabilities : [CAPABILITY_IAM]",
  );
  await create(client, { TemplateBody: unnamed, Capabilities: ["CAPABILITY_IAM"] });
  const summary = await client.send(new GetTemplateSummaryCommand({ TemplateBody }));
  expect(summary.Capabilities).toEqual(["CAPABILITY_NAMED_IAM"]);
  expect((await world.iam().send(new GetRoleCommand({ RoleName: "hop" }))).Role?.RoleName).toBe("hop");
});

const broken: readonly (readonly [string, object, string])[] = [
  [
    "a malformed trust policy",
    agent({ AssumeRolePolicyDocument: document(allow("sts:AssumeRole")) }),
    "Status Code: 400",
  ],
  [
    "a boundary that does not exist",
    agent({ PermissionsBoundary: `${BOUNDARY}-none` }),
    "does not exist or is not attachable. (Service: Iam, Status Code: 404)",
  ],
  [
    "an attached policy that does not exist",
    agent({ ManagedPolicyArns: [`${BOUNDARY}-none`] }),
    "(HandlerErrorCode: NotFound)",
  ],
  [
    "a name that is taken",
    agent({ RoleName: "hop" }),
    "Role with name hop already exists. (Service: Iam, Status Code: 409)",
  ],
  [
    "a trust policy over its quota",
    agent({ AssumeRolePolicyDocument: document({ ...trust(BROKER), Sid: "A".repeat(2048) }) }),
    "(HandlerErrorCode: ServiceLimitExceeded)",
  ],
  ["a session length out of bounds", agent({ MaxSessionDuration: 60 }), "between 3600 and 43200"],
  ["a property that there is not", agent({ RoleNam: "x" }), "#: extraneous key [RoleNam] is not permitted"],
  [
    "a property of the wrong shape",
    agent({ Policies: [{ PolicyName: "x" }] }),
    "#/Policies: not of the expected type",
  ],
  [
    "an attribute that nobody knows",
    agent({ Description: { "Fn::GetAtt": ["Fence", "Nothing"] } }),
    'local AWS cannot resolve {"Fn::GetAtt":["Fence","Nothing"]}',
  ],
  ["an unsupported function", agent({ Description: { "Fn::ImportValue": "x" } }), "local AWS cannot resolve"],
  ["a condition", agent({ Description: { "Fn::If": ["C", "a", "b"] } }), "local AWS cannot resolve"],
];

test.each(broken)("%s rolls the new stack back and leaves nothing behind", async (_, role, reason) => {
  const world = await startWorld();
  const [client, iam] = [world.cloudformation(), world.iam()];
  const roles = async () => (await iam.send(new ListRolesCommand({}))).Roles;
  const before = await roles();
  await create(client, { TemplateBody: template(fence(), role) });
  expect(await stackOf(client)).toMatchObject({
    StackStatus: "ROLLBACK_COMPLETE",
    StackStatusReason: "The following resource(s) failed to create: [Agent]. Rollback requested by user.",
  });
  const events = await eventsOf(client);
  expect(events.map(([id, status]) => [id, status])).toEqual([
    [StackName, "CREATE_IN_PROGRESS"],
    ["Fence", "CREATE_COMPLETE"],
    ["Agent", "CREATE_FAILED"],
    [StackName, "ROLLBACK_IN_PROGRESS"],
    ["Fence", "DELETE_COMPLETE"],
    [StackName, "ROLLBACK_COMPLETE"],
  ]);
  expect(events[2]?.[2]).toContain(reason);
  expect(await roles()).toEqual(before);
  expect((await iam.send(new ListPoliciesCommand({ PathPrefix: "/twokey/" }))).Policies ?? []).toEqual([]);
  expect((await refusal(update(client, { TemplateBody }))).message).toContain(
    "is in ROLLBACK_COMPLETE state and can not be updated.",
  );
  await client.send(new DeleteStackCommand({ StackName }));
  await create(client);
});

test("an update that fails halfway leaves every role and policy as it was", async () => {
  const world = await startWorld();
  const [client, iam] = [world.cloudformation(), world.iam()];
  await create(client, { Tags: [{ Key: "a", Value: "b" }] });
  const seen = async () => [
    (await iam.send(new GetRoleCommand({ RoleName: "agent" }))).Role,
    (await iam.send(new GetPolicyCommand({ PolicyArn: BOUNDARY }))).Policy?.DefaultVersionId,
    (await iam.send(new GetRolePolicyCommand({ RoleName: "agent", PolicyName: "wide" }))).PolicyDocument,
    (await stackOf(client))?.Tags,
  ];
  const before = await seen();
  await update(client, {
    TemplateBody: template(
      fence({ PolicyDocument: document(allow("*")) }),
      agent({
        Description: "new",
        Policies: [],
        ManagedPolicyArns: ["arn:aws:iam::aws:policy/AdministratorAccess"],
      }),
    ),
    Tags: [],
  });
  expect(await stackOf(client)).toMatchObject({
    StackStatus: "UPDATE_ROLLBACK_COMPLETE",
    StackStatusReason: "The following resource(s) failed to update: [Agent].",
  });
  expect(await seen()).toEqual(before);
  await update(client, { TemplateBody: template(fence(), agent({ Description: "new" })) });
  expect((await stackOf(client))?.StackStatus).toBe("UPDATE_COMPLETE");
});

test("a role that somebody attached a policy to by hand cannot be deleted with its stack until it is detached", async () => {
  const world = await startWorld();
  const [client, iam] = [world.cloudformation(), world.iam()];
  await create(client);
  await iam.send(
    new PutRolePolicyCommand({
      RoleName: "agent",
      PolicyName: "by-hand",
      PolicyDocument: JSON.stringify(document(allow("*"))),
    }),
  );
  await client.send(new DeleteStackCommand({ StackName }));
  expect(await stackOf(client)).toMatchObject({
    StackStatus: "DELETE_FAILED",
    StackStatusReason: "The following resource(s) failed to delete: [Agent].",
  });
  expect((await eventsOf(client)).find(([, status]) => status === "DELETE_FAILED")?.[2]).toContain(
    "Cannot delete entity, must delete policies first.",
  );
  expect((await iam.send(new GetPolicyCommand({ PolicyArn: BOUNDARY }))).Policy?.PolicyName).toBe("fence");
});

test("what is made by hand in a stack's way is the stack's failure, not its property", async () => {
  const world = await startWorld();
  const [client, iam] = [world.cloudformation(), world.iam()];
  await iam.send(
    new CreateRoleCommand({
      RoleName: "agent",
      AssumeRolePolicyDocument: JSON.stringify(document(trust(BROKER))),
    }),
  );
  await iam.send(
    new AttachRolePolicyCommand({ RoleName: "agent", PolicyArn: `arn:aws:iam::${ACCOUNT}:policy/only-look` }),
  );
  await create(client);
  await client.send(new DeleteStackCommand({ StackName }));
  expect(
    (await iam.send(new ListAttachedRolePoliciesCommand({ RoleName: "agent" }))).AttachedPolicies?.length,
  ).toBe(1);
});
