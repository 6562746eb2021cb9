/** IAM roles: read, change, delete, tags and boundaries. Making one is create-role.ts, their policies role-policies.ts. */
import type { ContextValue } from "../../policy/iam/types.ts";
import { ok } from "../../result.ts";
import type { Answer, Call, Operation, Plan } from "../call.ts";
import { type Answered, constraint, fault } from "../fault.ts";
import { type PolicyText, readPolicy, TRUST, weight } from "../policy-text.ts";
import type { Account, Role } from "../state.ts";
import {
  mergeTags,
  MOST_TAGS,
  readTags,
  requestTagContext,
  sameKey,
  tagKeysContext,
  tagXml,
} from "../tags.ts";
import type { XmlStructure } from "../xml.ts";
import { encodeDocument, listAnswer, readDescription, readName, readText } from "./read.ts";

const MOST_TRUST_CHARACTERS = 2_048;
const done = (): Answered<Answer> => ok({ result: null });

/** What an operation on an existing role asks besides the role's ARN, and what it does once it may. */
export interface RoleStep {
  readonly context?: Readonly<Record<string, ContextValue>>;
  readonly run: (role: Role) => Answered<Answer>;
}

/** An operation on the role that `RoleName` names. Whether there is such a role is told after the asks. */
export const onRole =
  (action: string, step: (call: Call) => Answered<RoleStep>): Operation =>
  (call): Answered<Plan> => {
    const name = readName(call.parameters, "RoleName", 64);
    if (!name.ok) return name;
    const planned = step(call);
    if (!planned.ok) return planned;
    const { account } = call.caller;
    const role = account.roles.get(name.value.toLowerCase());
    return ok({
      asks: [
        {
          action: `iam:${action}`,
          resource: role?.arn ?? `arn:aws:iam::${account.id}:role/${name.value}`,
          resourceTags: role?.tags ?? [],
          context: {
            ...(role?.boundary == null ? {} : { "iam:PermissionsBoundary": role.boundary }),
            ...planned.value.context,
          },
        },
      ],
      run: () =>
        role === undefined
          ? fault("NoSuchEntity", `The role with name ${name.value} cannot be found.`, 404)
          : planned.value.run(role),
    });
  };

export function roleXml(role: Role, full: boolean): XmlStructure {
  return {
    Path: role.path,
    RoleName: role.name,
    RoleId: role.id,
    Arn: role.arn,
    CreateDate: role.createdAt,
    AssumeRolePolicyDocument: encodeDocument(role.trust.text),
    Description: role.description,
    MaxSessionDuration: role.maxSessionDuration,
    // As in AWS, lists leave these out.
    PermissionsBoundary:
      full && role.boundary !== null
        ? { PermissionsBoundaryType: "Policy", PermissionsBoundaryArn: role.boundary }
        : null,
    Tags: full && role.tags.length > 0 ? tagXml(role.tags) : null,
  };
}

export function readTrust(text: string): Answered<PolicyText> {
  if (weight(text) > MOST_TRUST_CHARACTERS)
    return fault("LimitExceeded", `Cannot exceed quota for ACLSizePerRole: ${MOST_TRUST_CHARACTERS}`, 409);
  return readPolicy(text, TRUST);
}

export function readMaxSession(text: string | undefined): Answered<number> {
  const seconds = text ?? "3600";
  return /^\d{4,5}$/.test(seconds) && Number(seconds) >= 3600 && Number(seconds) <= 43_200
    ? ok(Number(seconds))
    : constraint(seconds, "maxSessionDuration", "have value between 3600 and 43200");
}

export function checkBoundary(account: Account, arn: string | null): Answered<null> {
  if (arn === null || account.policies.has(arn)) return ok(null);
  return fault("NoSuchEntity", `Scope ARN: ${arn} does not exist or is not attachable.`, 404);
}

export const getRole = onRole("GetRole", () =>
  ok({ run: (role) => ok({ result: { Role: roleXml(role, true) } }) }),
);

export const deleteRole = onRole("DeleteRole", (call) =>
  ok({
    run: (role) => {
      if (role.attached.size > 0)
        return fault("DeleteConflict", "Cannot delete entity, must detach all policies first.", 409);
      if (role.inline.size > 0)
        return fault("DeleteConflict", "Cannot delete entity, must delete policies first.", 409);
      call.caller.account.roles.delete(role.name.toLowerCase());
      return done();
    },
  }),
);

export const listRoles: Operation = (call) => {
  const prefix = call.parameters.text("PathPrefix") ?? "/";
  return ok({
    asks: [{ action: "iam:ListRoles", resource: "*" }],
    run: () => {
      const roles = [...call.caller.account.roles.values()].filter((role) => role.path.startsWith(prefix));
      return listAnswer(call, "Roles", roles, (role) => roleXml(role, false));
    },
  });
};

/** As AWS documents it: a session length that is not sent goes back to an hour. A description stays. */
export const updateRole = onRole("UpdateRole", (call) => {
  const description = readDescription(call.parameters);
  if (!description.ok) return description;
  const seconds = readMaxSession(call.parameters.text("MaxSessionDuration"));
  if (!seconds.ok) return seconds;
  return ok({
    run: (role) => {
      role.description = description.value ?? role.description;
      role.maxSessionDuration = seconds.value;
      return ok({ result: {} });
    },
  });
});

export const updateAssumeRolePolicy = onRole("UpdateAssumeRolePolicy", (call) => {
  const text = readText(call.parameters, "PolicyDocument");
  if (!text.ok) return text;
  return ok({
    run: (role) => {
      const trust = readTrust(text.value);
      if (!trust.ok) return trust;
      role.trust = trust.value;
      return done();
    },
  });
});

export const putRolePermissionsBoundary = onRole("PutRolePermissionsBoundary", (call) => {
  const arn = readText(call.parameters, "PermissionsBoundary");
  if (!arn.ok) return arn;
  return ok({
    context: { "iam:PermissionsBoundary": arn.value },
    run: (role) => {
      const known = checkBoundary(call.caller.account, arn.value);
      if (!known.ok) return known;
      role.boundary = arn.value;
      return done();
    },
  });
});

export const deleteRolePermissionsBoundary = onRole("DeleteRolePermissionsBoundary", () =>
  ok({
    run: (role) => {
      role.boundary = null;
      return done();
    },
  }),
);

export const tagRole = onRole("TagRole", (call) => {
  const tags = readTags(call.parameters, "Tags");
  if (!tags.ok) return tags;
  return ok({
    context: requestTagContext(tags.value ?? []),
    run: (role) => {
      const merged = mergeTags(role.tags, tags.value ?? []);
      if (merged.length > MOST_TAGS)
        return fault("LimitExceeded", `The number of tags has reached the maximum limit.`, 409);
      role.tags = merged;
      return done();
    },
  });
});

export const untagRole = onRole("UntagRole", (call) => {
  const keys = call.parameters.list("TagKeys") ?? [];
  return ok({
    context: tagKeysContext(keys),
    run: (role) => {
      role.tags = role.tags.filter((tag) => !keys.some((key) => sameKey(key, tag.key)));
      return done();
    },
  });
});

export const listRoleTags = onRole("ListRoleTags", (call) =>
  ok({
    run: (role) => listAnswer(call, "Tags", role.tags, (tag) => ({ Key: tag.key, Value: tag.value })),
  }),
);
