/** IAM managed policies: made, read, listed and deleted. Their versions are policy-versions.ts. */
import { ok } from "../../result.ts";
import type { Answer, Call, Operation } from "../call.ts";
import { type Answered, fault } from "../fault.ts";
import { type PolicyText, readPolicy, weight } from "../policy-text.ts";
import { uniqueId } from "../random.ts";
import type { Account, ManagedPolicy } from "../state.ts";
import { readTags, requestTagContext, tagXml } from "../tags.ts";
import type { XmlStructure } from "../xml.ts";
import { listAnswer, readDescription, readName, readPath, readText } from "./read.ts";

const MOST_CHARACTERS = 6_144;

export function readManaged(text: string): Answered<PolicyText> {
  if (weight(text) > MOST_CHARACTERS)
    return fault("LimitExceeded", `Cannot exceed quota for PolicySize: ${MOST_CHARACTERS}`, 409);
  return readPolicy(text);
}

export const createPolicy: Operation = (call) => {
  const { parameters, caller } = call;
  const name = readName(parameters, "PolicyName", 128);
  if (!name.ok) return name;
  const path = readPath(parameters);
  if (!path.ok) return path;
  const text = readText(parameters, "PolicyDocument");
  if (!text.ok) return text;
  const tags = readTags(parameters, "Tags");
  if (!tags.ok) return tags;
  const description = readDescription(parameters);
  if (!description.ok) return description;
  const arn = `arn:aws:iam::${caller.account.id}:policy${path.value}${name.value}`;
  const ask = { resource: arn, context: requestTagContext(tags.value ?? []) };
  return ok({
    asks: [
      { ...ask, action: "iam:CreatePolicy" },
      ...((tags.value ?? []).length === 0 ? [] : [{ ...ask, action: "iam:TagPolicy" }]),
    ],
    run: (): Answered<Answer> => {
      const document = readManaged(text.value);
      if (!document.ok) return document;
      // Names are unique in an account whatever the path.
      if ([...caller.account.policies.values()].some((other) => other.name === name.value))
        return fault("EntityAlreadyExists", `A policy called ${name.value} already exists.`, 409);
      const first = { id: "v1", document: document.value, createdAt: call.now };
      const policy: ManagedPolicy = {
        account: caller.account.id,
        arn,
        name: name.value,
        path: path.value,
        id: uniqueId(call.random, "ANPA"),
        description: description.value,
        createdAt: call.now,
        versions: [first],
        inForce: first,
        lastVersion: 1,
        updatedAt: call.now,
        tags: tags.value ?? [],
      };
      caller.account.policies.set(arn, policy);
      return ok({
        result: { Policy: policyXml(caller.account, policy) },
        responseElements: { policy: { arn } },
      });
    },
  });
};

const roles = (
  account: Account,
  has: (role: { attached: Set<string>; boundary: string | null }) => boolean,
): number => [...account.roles.values()].filter(has).length;

function policyXml(account: Account, policy: ManagedPolicy): XmlStructure {
  return {
    PolicyName: policy.name,
    PolicyId: policy.id,
    Arn: policy.arn,
    Path: policy.path,
    DefaultVersionId: policy.inForce.id,
    AttachmentCount: roles(account, (role) => role.attached.has(policy.arn)),
    PermissionsBoundaryUsageCount: roles(account, (role) => role.boundary === policy.arn),
    IsAttachable: true,
    Description: policy.description,
    CreateDate: policy.createdAt,
    UpdateDate: policy.updatedAt,
    Tags: policy.tags.length === 0 ? null : tagXml(policy.tags),
  };
}

export const onPolicy =
  (action: string, run: (call: Call, policy: ManagedPolicy) => Answered<Answer>): Operation =>
  (call) => {
    const arn = readText(call.parameters, "PolicyArn");
    if (!arn.ok) return arn;
    const policy = call.caller.account.policies.get(arn.value);
    return ok({
      asks: [{ action: `iam:${action}`, resource: arn.value, resourceTags: policy?.tags ?? [] }],
      run: () =>
        policy === undefined
          ? fault("NoSuchEntity", `Policy ${arn.value} was not found.`, 404)
          : run(call, policy),
    });
  };

export const getPolicy = onPolicy("GetPolicy", (call, policy) =>
  ok({ result: { Policy: policyXml(call.caller.account, policy) } }),
);

export const deletePolicy = onPolicy("DeletePolicy", (call, policy) => {
  const { account } = call.caller;
  if (roles(account, (role) => role.attached.has(policy.arn) || role.boundary === policy.arn) > 0)
    return fault("DeleteConflict", "Cannot delete a policy attached to entities.", 409);
  if (policy.versions.length > 1)
    return fault(
      "DeleteConflict",
      "This policy has more than one version. Before you delete a policy, you must delete the policy's versions.",
      409,
    );
  account.policies.delete(policy.arn);
  return ok({ result: null });
});

/** `Scope=AWS` finds nothing: AWS's own managed policies are not in local AWS. */
export const listPolicies: Operation = (call) => {
  const { account } = call.caller;
  const prefix = call.parameters.text("PathPrefix") ?? "/";
  const onlyAttached = call.parameters.text("OnlyAttached") === "true";
  return ok({
    asks: [{ action: "iam:ListPolicies", resource: "*" }],
    run: () => {
      const found = [...account.policies.values()].filter(
        (policy) =>
          call.parameters.text("Scope") !== "AWS" &&
          policy.path.startsWith(prefix) &&
          (!onlyAttached || roles(account, (role) => role.attached.has(policy.arn)) > 0),
      );
      return listAnswer(call, "Policies", found, (policy) => ({
        ...policyXml(account, policy),
        Description: null,
        Tags: null,
      }));
    },
  });
};
