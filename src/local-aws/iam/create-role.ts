/** CreateRole: what it reads, what it asks, and the role that comes of it. */
import { ok } from "../../result.ts";
import type { Answer, Call, Operation } from "../call.ts";
import { type Answered, fault } from "../fault.ts";
import type { Parameters } from "../parameters.ts";
import { uniqueId } from "../random.ts";
import type { Role } from "../state.ts";
import { readTags, requestTagContext, type Tag } from "../tags.ts";
import { readDescription, readName, readPath, readText } from "./read.ts";
import { checkBoundary, readMaxSession, readTrust, roleXml } from "./roles.ts";

interface NewRole {
  readonly name: string;
  readonly path: string;
  readonly trust: string;
  readonly tags: readonly Tag[];
  readonly maxSessionDuration: number;
  readonly description: string | null;
  readonly boundary: string | null;
}

function readNewRole(parameters: Parameters): Answered<NewRole> {
  const name = readName(parameters, "RoleName", 64);
  if (!name.ok) return name;
  const path = readPath(parameters);
  if (!path.ok) return path;
  const trust = readText(parameters, "AssumeRolePolicyDocument");
  if (!trust.ok) return trust;
  const tags = readTags(parameters, "Tags");
  if (!tags.ok) return tags;
  const maxSession = readMaxSession(parameters.text("MaxSessionDuration"));
  if (!maxSession.ok) return maxSession;
  const description = readDescription(parameters);
  if (!description.ok) return description;
  return ok({
    name: name.value,
    path: path.value,
    trust: trust.value,
    tags: tags.value ?? [],
    maxSessionDuration: maxSession.value,
    description: description.value,
    boundary: parameters.text("PermissionsBoundary") ?? null,
  });
}

export const createRole: Operation = (call) => {
  const input = readNewRole(call.parameters);
  if (!input.ok) return input;
  const { name, path, tags, boundary } = input.value;
  const arn = `arn:aws:iam::${call.caller.account.id}:role${path}${name}`;
  const ask = {
    resource: arn,
    context: {
      ...requestTagContext(tags),
      ...(boundary === null ? {} : { "iam:PermissionsBoundary": boundary }),
    },
  };
  return ok({
    asks: [
      { ...ask, action: "iam:CreateRole" },
      ...(tags.length === 0 ? [] : [{ ...ask, action: "iam:TagRole" }]),
    ],
    run: () => makeRole(call, arn, input.value),
  });
};

function makeRole(call: Call, arn: string, input: NewRole): Answered<Answer> {
  const { account } = call.caller;
  const trust = readTrust(input.trust);
  if (!trust.ok) return trust;
  const key = input.name.toLowerCase();
  if (account.roles.has(key))
    return fault("EntityAlreadyExists", `Role with name ${input.name} already exists.`, 409);
  const bounded = checkBoundary(account, input.boundary);
  if (!bounded.ok) return bounded;
  const role: Role = {
    ...input,
    account: account.id,
    arn,
    id: uniqueId(call.random, "AROA"),
    createdAt: call.now,
    trust: trust.value,
    inline: new Map(),
    attached: new Set(),
  };
  account.roles.set(key, role);
  return ok({ result: { Role: roleXml(role, true) }, responseElements: { role: { arn, roleId: role.id } } });
}
