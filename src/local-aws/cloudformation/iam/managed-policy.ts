/** AWS::IAM::ManagedPolicy. A changed document becomes a new version, the one in force. */
import { ok } from "../../../result.ts";
import { type Answered, fault } from "../../fault.ts";
import { same } from "../diff.ts";
import type { JsonObject } from "../template.ts";
import { type Acting, gone, inTurn } from "./acting.ts";
import { documentOf, textOf, textsOf } from "./properties.ts";
import type { Existing, RealType, Stood } from "./real-type.ts";

const MOST_VERSIONS = 5;

export const MANAGED_POLICY: RealType = {
  rules: {
    required: ["PolicyDocument"],
    shapes: {
      Description: "text",
      ManagedPolicyName: "text",
      Path: "text",
      PolicyDocument: "document",
      Roles: "texts",
    },
  },
  name: "ManagedPolicyName",
  longestName: 128,
  tagged: false,
  create,
  update,
  remove,
};

function create(acting: Acting, name: string, properties: JsonObject): Answered<Stood> {
  const arn = `arn:aws:iam::${acting.account.id}:policy${textOf(properties, "Path") ?? "/"}${name}`;
  const made = inTurn([
    () =>
      acting.iam("CreatePolicy", {
        PolicyName: name,
        Path: textOf(properties, "Path"),
        PolicyDocument: documentOf(properties, "PolicyDocument"),
        Description: textOf(properties, "Description"),
      }),
    ...textsOf(properties, "Roles").map((role) => () => attach(acting, role, arn)),
  ]);
  return made.ok ? stood(acting, arn) : made;
}

const attach = (acting: Acting, role: string, arn: string): Answered<unknown> =>
  acting.iam("AttachRolePolicy", { RoleName: role, PolicyArn: arn });
const detach = (acting: Acting, role: string, arn: string): Answered<unknown> =>
  gone(acting.iam("DetachRolePolicy", { RoleName: role, PolicyArn: arn }));

function stood(acting: Acting, arn: string): Answered<Stood> {
  const policy = acting.account.policies.get(arn);
  if (policy === undefined) return fault("NoSuchEntity", `Policy ${arn} was not found.`, 404);
  const attributes = { PolicyArn: arn, PolicyId: policy.id, DefaultVersionId: policy.inForce.id };
  return ok({ physicalId: arn, attributes });
}

function update(
  acting: Acting,
  { physicalId: arn, properties: old }: Existing,
  now: JsonObject,
): Answered<Stood> {
  const [were, are] = [textsOf(old, "Roles"), textsOf(now, "Roles")];
  const done = inTurn([
    ...(same(old["PolicyDocument"] ?? null, now["PolicyDocument"] ?? null)
      ? []
      : [() => newVersion(acting, arn, documentOf(now, "PolicyDocument"))]),
    ...were.filter((role) => !are.includes(role)).map((role) => () => detach(acting, role, arn)),
    ...are.filter((role) => !were.includes(role)).map((role) => () => attach(acting, role, arn)),
  ]);
  return done.ok ? stood(acting, arn) : done;
}

/** Ids of the versions not in force, oldest first. */
const oldVersions = (acting: Acting, arn: string): readonly string[] => {
  const policy = acting.account.policies.get(arn);
  return (policy?.versions ?? []).filter((version) => version !== policy?.inForce).map(({ id }) => id);
};

const dropVersions = (acting: Acting, arn: string, ids: readonly string[]): Answered<null> =>
  inTurn(ids.map((VersionId) => () => acting.iam("DeletePolicyVersion", { PolicyArn: arn, VersionId })));

const newVersion = (acting: Acting, arn: string, text: string): Answered<unknown> =>
  inTurn([
    () => acting.iam("ListPolicyVersions", { PolicyArn: arn }),
    () => {
      const old = oldVersions(acting, arn);
      return dropVersions(acting, arn, old.length < MOST_VERSIONS - 1 ? [] : old.slice(0, 1));
    },
    () => acting.iam("CreatePolicyVersion", { PolicyArn: arn, PolicyDocument: text, SetAsDefault: "true" }),
  ]);

/** A policy that is gone already is done. One that others attached, or use as a boundary, stays. */
function remove(acting: Acting, { physicalId: arn, properties }: Existing): Answered<null> {
  if (!acting.account.policies.has(arn)) return ok(null);
  return inTurn([
    ...textsOf(properties, "Roles").map((role) => () => detach(acting, role, arn)),
    () => acting.iam("ListPolicyVersions", { PolicyArn: arn }),
    () => dropVersions(acting, arn, oldVersions(acting, arn)),
    () => acting.iam("DeletePolicy", { PolicyArn: arn }),
  ]);
}
