/** AWS::IAM::Policy and AWS::IAM::RolePolicy: one document put inline on roles that stand elsewhere. */
import { ok } from "../../../result.ts";
import type { Answered } from "../../fault.ts";
import { same } from "../diff.ts";
import type { JsonObject } from "../template.ts";
import { type Acting, gone, inTurn } from "./acting.ts";
import { documentOf, textOf, textsOf } from "./properties.ts";
import type { RealType } from "./real-type.ts";

const policyName = (properties: JsonObject): string => textOf(properties, "PolicyName") ?? "";

const put = (acting: Acting, roles: readonly string[], properties: JsonObject): Answered<null> =>
  inTurn(
    roles.map(
      (role) => () =>
        acting.iam("PutRolePolicy", {
          RoleName: role,
          PolicyName: policyName(properties),
          PolicyDocument: documentOf(properties, "PolicyDocument"),
        }),
    ),
  );

const drop = (acting: Acting, roles: readonly string[], properties: JsonObject): Answered<null> =>
  inTurn(
    roles.map(
      (role) => () =>
        gone(acting.iam("DeleteRolePolicy", { RoleName: role, PolicyName: policyName(properties) })),
    ),
  );

interface Kind {
  readonly rules: RealType["rules"];
  readonly roles: (properties: JsonObject) => readonly string[];
  readonly physicalId: (name: string, properties: JsonObject) => string;
}

const inline = ({ rules, roles, physicalId }: Kind): RealType => ({
  rules,
  name: null,
  longestName: 128,
  tagged: false,
  create: (acting, name, properties) => {
    const done = put(acting, roles(properties), properties);
    return done.ok ? ok({ physicalId: physicalId(name, properties), attributes: {} }) : done;
  },
  update: (acting, old, properties) => {
    const renamed = policyName(old.properties) !== policyName(properties);
    const rewritten = !same(old.properties["PolicyDocument"] ?? null, properties["PolicyDocument"] ?? null);
    const [were, are] = [roles(old.properties), roles(properties)];
    const done = inTurn([
      () => put(acting, renamed || rewritten ? are : are.filter((role) => !were.includes(role)), properties),
      () => drop(acting, renamed ? were : were.filter((role) => !are.includes(role)), old.properties),
    ]);
    return done.ok ? ok({ physicalId: old.physicalId, attributes: {} }) : done;
  },
  remove: (acting, old) => drop(acting, roles(old.properties), old.properties),
});

export const POLICY = inline({
  rules: {
    required: ["PolicyName", "PolicyDocument", "Roles"],
    shapes: { PolicyName: "text", PolicyDocument: "document", Roles: "texts" },
  },
  roles: (properties) => textsOf(properties, "Roles"),
  physicalId: (name) => name,
});

export const ROLE_POLICY = inline({
  rules: {
    required: ["PolicyName", "PolicyDocument", "RoleName"],
    shapes: { PolicyName: "text", PolicyDocument: "document", RoleName: "text" },
  },
  roles: (properties) => [textOf(properties, "RoleName") ?? ""],
  physicalId: (_, properties) => `${policyName(properties)}|${textOf(properties, "RoleName") ?? ""}`,
});
