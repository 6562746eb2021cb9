/**
 * What the CloudFormation calls that change a stack have in common: reading their input, the questions they put to
 * the policies, and the intention they state. A stack's role is checked here too.
 */
import { evaluate } from "../../policy/iam/evaluate.ts";
import type { ContextValue } from "../../policy/iam/types.ts";
import { ok } from "../../result.ts";
import type { Ask, Call } from "../call.ts";
import { type Answered, constraint, invalid, missing, notInLocalAws } from "../fault.ts";
import type { Parameters } from "../parameters.ts";
import { type Role, roleByArn } from "../state.ts";
import { readTags, requestTagContext, type Tag } from "../tags.ts";
import { SERVICE } from "./iam/acting.ts";
import { checkCapabilities, checkDecidable } from "./iam/real-types.ts";
import { orderOf } from "./order.ts";
import { findStack, type Intention, type Stack, tagsOfStack } from "./stack.ts";
import { parseTemplate, type Template } from "./template.ts";

const STACK = /^(?:[a-zA-Z][-a-zA-Z0-9]{0,127}|arn:[-a-zA-Z0-9:/._+]{1,1024})$/;

export function readStackName(call: Call): Answered<string> {
  const name = call.parameters.text("StackName");
  if (name === undefined || name === "") return missing("stackName");
  return STACK.test(name)
    ? ok(name)
    : constraint(
        name,
        "stackName",
        "satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*",
      );
}

export const stackOf = (call: Call, nameOrId: string): Stack | undefined =>
  findStack(call.caller.account, call.region, nameOrId);

export const noStack = (nameOrId: string): Answered<never> =>
  invalid(`Stack with id ${nameOrId} does not exist`);

/** A name no stack has yet is asked about as any stack that would get it. */
export function stackAsk(
  call: Call,
  action: string,
  nameOrId: string,
  context: Readonly<Record<string, ContextValue>> = {},
): Ask {
  const stack = stackOf(call, nameOrId);
  const unknown = nameOrId.startsWith("arn:")
    ? nameOrId
    : `arn:aws:cloudformation:${call.region}:${call.caller.account.id}:stack/${nameOrId}/*`;
  return {
    action: `cloudformation:${action}`,
    resource: stack?.id ?? unknown,
    resourceTags: tagsOfStack(stack),
    context,
  };
}

/** The part of CreateStack, UpdateStack and CreateChangeSet that is alike. */
export interface Wish {
  readonly templateBody: string | null;
  readonly usePreviousTemplate: boolean;
  readonly parameters: readonly { readonly key: string; readonly value: string | null }[];
  /** Undefined: leave the stack's tags as they are. Empty: take them away. */
  readonly tags: readonly Tag[] | undefined;
  readonly roleArn: string | null;
  readonly capabilities: readonly string[];
  /** Whether it names an S3 address for the template. Asked about, then refused. */
  readonly templateUrl: string | null;
}

export function readWish(parameters: Parameters): Answered<Wish> {
  const tags = readTags(parameters, "Tags");
  if (!tags.ok) return tags;
  const roleArn = parameters.text("RoleARN") ?? null;
  if (roleArn !== null && (roleArn.length < 20 || roleArn.length > 2048))
    return constraint(roleArn, "roleARN", "have length between 20 and 2048");
  return ok({
    templateBody: parameters.text("TemplateBody") ?? null,
    templateUrl: parameters.text("TemplateURL") ?? null,
    usePreviousTemplate: parameters.text("UsePreviousTemplate") === "true",
    parameters: (parameters.structures("Parameters") ?? []).map((parameter) => ({
      key: parameter.text("ParameterKey") ?? "",
      value: parameter.text("UsePreviousValue") === "true" ? null : (parameter.text("ParameterValue") ?? ""),
    })),
    tags: tags.value,
    roleArn,
    capabilities: parameters.list("Capabilities") ?? [],
  });
}

/** The action itself, cloudformation:TagResource when tags are set, iam:PassRole when a role is passed. */
export function changeAsks(
  call: Call,
  action: "CreateStack" | "UpdateStack" | "CreateChangeSet",
  nameOrId: string,
  wish: Wish,
): readonly Ask[] {
  const { parameters } = call;
  const tags = requestTagContext(wish.tags ?? []);
  const resourceTypes = parameters.list("ResourceTypes") ?? [];
  const imports = (parameters.structures("ResourcesToImport") ?? []).map(
    (resource) => resource.text("ResourceType") ?? "",
  );
  const context: Record<string, ContextValue> = {
    ...tags,
    ...present("cloudformation:RoleArn", wish.roleArn),
    ...present("cloudformation:TemplateUrl", wish.templateUrl),
    ...present("cloudformation:StackPolicyUrl", parameters.text("StackPolicyURL") ?? null),
    ...(action === "CreateChangeSet"
      ? present("cloudformation:ChangeSetName", parameters.text("ChangeSetName") ?? null)
      : {}),
    ...(resourceTypes.length === 0 ? {} : { "cloudformation:ResourceTypes": resourceTypes }),
    ...(imports.length === 0 ? {} : { "cloudformation:ImportResourceTypes": imports }),
  };
  return [
    stackAsk(call, action, nameOrId, context),
    ...((wish.tags ?? []).length === 0
      ? []
      : [stackAsk(call, "TagResource", nameOrId, { ...tags, "cloudformation:CreateAction": action })]),
    ...passRoleAsks(call, wish.roleArn),
  ];
}

const present = (key: string, value: string | null): Record<string, ContextValue> =>
  value === null ? {} : { [key]: value };

/** Without the role's tags: the data calls iam:PassRole taggable, AWS says not to use tags there. */
export function passRoleAsks(call: Call, roleArn: string | null): readonly Ask[] {
  if (roleArn === null) return [];
  return [
    {
      action: "iam:PassRole",
      resource: roleArn,
      resourceAccount: /^arn:aws:iam::(\d{12}):/.exec(roleArn)?.[1] ?? call.caller.account.id,
      context: { "iam:PassedToService": SERVICE },
    },
  ];
}

/** Whether CloudFormation can work as this role: it is of this account and its trust policy lets the service in. */
export function checkRole(call: Call, roleArn: string | null): Answered<null> {
  if (roleArn === null) return ok(null);
  const role = roleByArn(call.world, roleArn);
  if (role?.account === call.caller.account.id && trustsService(role)) return ok(null);
  return invalid(`Role ${roleArn} is invalid or cannot be assumed`);
}

const trustsService = (role: Role): boolean =>
  evaluate(
    {
      principal: { arn: SERVICE, account: "" },
      action: "sts:AssumeRole",
      resource: role.arn,
      resourceAccount: role.account,
      context: { "aws:SourceAccount": role.account },
    },
    { identity: [], session: null, boundary: null, scp: null, resource: role.trust.parsed },
  ).decision === "allowed";

/** What the stack would be, from what was asked and what it is. */
export function intend(wish: Wish, stack: Stack | undefined): Answered<Intention> {
  const template = templateOf(wish, stack);
  if (!template.ok) return template;
  const order = orderOf(template.value);
  if (!order.ok) return order;
  const decidable = checkDecidable(template.value);
  if (!decidable.ok) return decidable;
  const parameters = fillParameters(template.value, wish, stack?.current ?? null);
  if (!parameters.ok) return parameters;
  const moved = [...template.value.resources].find(([id, resource]) => {
    const was = stack?.current?.template.resources.get(id);
    return was !== undefined && was.type !== resource.type;
  });
  if (moved !== undefined)
    return invalid(
      `Update of resource type is not permitted. The new template modifies resource type of the following resources: [${moved[0]}]`,
    );
  const capable = checkCapabilities(template.value, wish.capabilities);
  if (!capable.ok) return capable;
  return ok({
    template: template.value,
    order: order.value,
    parameters: parameters.value,
    tags: wish.tags ?? tagsOfStack(stack),
    // A role once given to a stack serves every later caller.
    roleArn: wish.roleArn ?? stack?.current?.roleArn ?? null,
    capabilities: wish.capabilities,
  });
}

function templateOf(wish: Wish, stack: Stack | undefined): Answered<Template> {
  if (wish.templateUrl !== null) return notInLocalAws("TemplateURL (templates in S3)");
  if (wish.templateBody !== null) return parseTemplate(wish.templateBody);
  if (wish.usePreviousTemplate && stack?.current != null) return ok(stack.current.template);
  return invalid("Either Template URL or Template Body must be specified.");
}

function fillParameters(
  template: Template,
  wish: Wish,
  current: Intention | null,
): Answered<ReadonlyMap<string, string>> {
  const given = new Map(wish.parameters.map((parameter) => [parameter.key, parameter.value]));
  const unknown = [...given.keys()].filter((key) => !template.parameters.has(key));
  if (unknown.length > 0) return invalid(`Parameters: [${unknown.join(", ")}] do not exist in the template`);
  const values = new Map<string, string>();
  const without: string[] = [];
  for (const [key, declared] of template.parameters) {
    const value = given.has(key)
      ? (given.get(key) ?? current?.parameters.get(key))
      : (declared.defaultValue ?? undefined);
    if (value === undefined) without.push(key);
    else values.set(key, value);
  }
  return without.length > 0 ? invalid(`Parameters: [${without.join(", ")}] must have values`) : ok(values);
}
