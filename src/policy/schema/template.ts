/** templates/*.yaml: one policy template each, with the cases that are its tests. */
import * as z from "zod";
import { INTENTS } from "../../identity/task.ts";
import type { ActionTable } from "../knowledge.ts";
import { LONGEST_VALUE } from "../parameters.ts";
import { FENCE_EXCEPTIONS, TEMPLATE_ROLES, type PolicyFault, type Template } from "../set.ts";
import { actionPattern, exactAction } from "./actions.ts";
import { conditionBlock, requestContext } from "./conditions.ts";
import { mapOf, readItem, refusedKey, say, type Item } from "./report.ts";
import { accounts, duration, line, oneOrMany, parameterName, prose, templateName } from "./values.ts";
import type { Source } from "./yaml.ts";

const QUARTER = 900;
const HOUR = 3600;

const DENIES = "the fence's denies are the compiler's: a template only says what it allows";
const INVERTED = "would allow whatever AWS adds in future";

const resource = z
  .string()
  .max(512)
  .regex(/^(?:\*$|arn:|\$\{)\S*$/, { error: say("is not a resource", 'write an ARN pattern, or "*"') });

const statement = (table: ActionTable) =>
  mapOf({
    Sid: z
      .string()
      .regex(/^[A-Za-z0-9]{1,64}$/, { error: say("a Sid holds letters and digits only") })
      .optional(),
    Action: oneOrMany(actionPattern(table, { wholeService: false }), 200),
    Resource: oneOrMany(resource, 50),
    Condition: conditionBlock.optional(),
    Effect: refusedKey(DENIES, "remove `Effect`"),
    NotAction: refusedKey(`NotAction ${INVERTED}`, "list the actions under Action"),
    NotResource: refusedKey(`NotResource ${INVERTED}`, "list the resources under Resource"),
    Principal: refusedKey("a session policy has no Principal", "remove it"),
    NotPrincipal: refusedKey("a session policy has no NotPrincipal", "remove it"),
  });

const parameter = mapOf({
  description: line(300),
  like: oneOrMany(
    z.string().regex(/^[!#%-~]{1,256}$/, {
      error: say('is not a glob: no spaces, `"` or `$`', 'such as "*-staging"'),
    }),
    20,
  ),
  optional: z.boolean().default(false),
  max: z.int().min(1).max(50).default(1),
  longest: z.int().min(1).max(LONGEST_VALUE).optional(),
});

const expectation = (table: ActionTable) =>
  mapOf({
    title: line(200),
    parameters: z.record(parameterName, oneOrMany(z.string().min(1).max(512), 50)).default({}),
    action: exactAction(table),
    resource: z
      .string()
      .regex(/^(?:\*|arn:[!-~]{1,1020})$/, { error: say("is not a resource", 'write an ARN, or "*"') }),
    context: requestContext.default({}),
    decision: z.enum(["allowed", "explicitDeny", "implicitDeny"]),
  });

export const templateSchema = (table: ActionTable) =>
  mapOf({
    name: templateName,
    kind: z.enum(["standing", "escalation"]),
    title: line(120),
    description: prose,
    role: z.enum(TEMPLATE_ROLES),
    intent: z.enum(INTENTS),
    accounts,
    duration: mapOf({ default: duration(QUARTER, HOUR), max: duration(QUARTER, HOUR) }),
    parameters: z.record(parameterName, parameter).default({}),
    exceptions: z.array(z.enum(FENCE_EXCEPTIONS)).max(FENCE_EXCEPTIONS.length).default([]),
    allow: z.array(statement(table)).min(1).max(50),
    expect: z.array(expectation(table)).min(1).max(200),
  });

export type TemplateItem = Item<z.output<ReturnType<typeof templateSchema>>>;

/** A template with the file it came from. `name` is the file's, which the template must bear. */
export interface ReadTemplate {
  readonly source: Source;
  readonly name: string;
  readonly item: TemplateItem;
}

export const readTemplate = (
  name: string,
  source: Source,
  schema: ReturnType<typeof templateSchema>,
  faults: PolicyFault[],
): ReadTemplate => ({ name, source, item: readItem(source, [], schema, faults) });

export function toTemplate(read: NonNullable<TemplateItem["whole"]>, file: string): Template {
  return {
    ...{
      name: read.name,
      kind: read.kind,
      title: read.title,
      description: read.description,
      role: read.role,
    },
    ...{
      intent: read.intent,
      accounts: read.accounts,
      parameters: read.parameters,
      exceptions: read.exceptions,
    },
    duration: { defaultSeconds: read.duration.default, maxSeconds: read.duration.max },
    allow: read.allow.map(({ Sid = null, Action, Resource, Condition = {} }) => ({
      sid: Sid,
      action: Action,
      resource: Resource,
      condition: Condition,
    })),
    expect: read.expect,
    file,
  };
}
