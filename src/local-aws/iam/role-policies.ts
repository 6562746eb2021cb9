/** The policies of IAM roles: inline ones, and the attachment of managed ones. */
import { ok } from "../../result.ts";
import type { Answer, Operation } from "../call.ts";
import { type Answered, fault } from "../fault.ts";
import { readPolicy, weight } from "../policy-text.ts";
import type { Role } from "../state.ts";
import { encodeDocument, listAnswer, readName, readText } from "./read.ts";
import { onRole } from "./roles.ts";

const MOST_INLINE_CHARACTERS = 10_240;
const MOST_ATTACHED = 10;
const done = (): Answered<Answer> => ok({ result: null });

export const putRolePolicy = onRole("PutRolePolicy", (call) => {
  const name = readName(call.parameters, "PolicyName", 128);
  if (!name.ok) return name;
  const text = readText(call.parameters, "PolicyDocument");
  if (!text.ok) return text;
  return ok({
    run: (role) => {
      const policy = readPolicy(text.value);
      if (!policy.ok) return policy;
      const others = [...role.inline].filter(([other]) => other !== name.value);
      const total = others.reduce((sum, [, other]) => sum + weight(other.text), weight(text.value));
      if (total > MOST_INLINE_CHARACTERS)
        return fault(
          "LimitExceeded",
          `Maximum policy size of ${MOST_INLINE_CHARACTERS} bytes exceeded for role ${role.name}`,
          409,
        );
      role.inline.set(name.value, policy.value);
      return done();
    },
  });
});

const noInline = (name: string): Answered<Answer> =>
  fault("NoSuchEntity", `The role policy with name ${name} cannot be found.`, 404);

const onInline = (
  action: string,
  run: (role: Role, name: string, text: string) => Answered<Answer>,
): Operation =>
  onRole(action, (call) => {
    const name = readName(call.parameters, "PolicyName", 128);
    if (!name.ok) return name;
    return ok({
      run: (role) => {
        const policy = role.inline.get(name.value);
        return policy === undefined ? noInline(name.value) : run(role, name.value, policy.text);
      },
    });
  });

export const getRolePolicy = onInline("GetRolePolicy", (role, name, text) =>
  ok({ result: { RoleName: role.name, PolicyName: name, PolicyDocument: encodeDocument(text) } }),
);

export const deleteRolePolicy = onInline("DeleteRolePolicy", (role, name) => {
  role.inline.delete(name);
  return done();
});

export const listRolePolicies = onRole("ListRolePolicies", (call) =>
  ok({ run: (role) => listAnswer(call, "PolicyNames", [...role.inline.keys()], (name) => name) }),
);

export const attachRolePolicy = onRole("AttachRolePolicy", (call) => {
  const arn = readText(call.parameters, "PolicyArn");
  if (!arn.ok) return arn;
  return ok({
    context: { "iam:PolicyARN": arn.value },
    run: (role) => {
      if (!call.caller.account.policies.has(arn.value))
        return fault("NoSuchEntity", `Policy ${arn.value} does not exist or is not attachable.`, 404);
      if (!role.attached.has(arn.value) && role.attached.size >= MOST_ATTACHED)
        return fault("LimitExceeded", `Cannot exceed quota for PoliciesPerRole: ${MOST_ATTACHED}`, 409);
      role.attached.add(arn.value);
      return done();
    },
  });
});

export const detachRolePolicy = onRole("DetachRolePolicy", (call) => {
  const arn = readText(call.parameters, "PolicyArn");
  if (!arn.ok) return arn;
  return ok({
    context: { "iam:PolicyARN": arn.value },
    run: (role) =>
      role.attached.delete(arn.value)
        ? done()
        : fault("NoSuchEntity", `Policy ${arn.value} was not found.`, 404),
  });
});

export const listAttachedRolePolicies = onRole("ListAttachedRolePolicies", (call) =>
  ok({
    run: (role) =>
      listAnswer(call, "AttachedPolicies", [...role.attached], (arn) => ({
        PolicyName: arn.slice(arn.lastIndexOf("/") + 1),
        PolicyArn: arn,
      })),
  }),
);
