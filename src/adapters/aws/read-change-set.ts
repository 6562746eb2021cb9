/**
 * The port ReadChangeSet by CloudFormation. Translates what AWS says, all pages of it; what an approver must be warned
 * of is session/change-set-warnings' business. Only reads. A change set that cannot be executed, or is too large to be
 * shown, is refused: nobody is asked about what they cannot see.
 */
import {
  CloudFormationClient,
  CloudFormationServiceException,
  DescribeChangeSetCommand,
  DescribeStacksCommand,
  GetTemplateCommand,
  type Change,
  type DescribeChangeSetCommandOutput,
  type ResourceTargetDefinition,
  type Stack,
} from "@aws-sdk/client-cloudformation";
import type { ResourceChange } from "../../escalation/escalation.ts";
import { err, ok, type Result } from "../../result.ts";
import { warningsOf, type SeenChange, type Tag } from "../../session/change-set-warnings.ts";
import type { ReadChangeSet, ReadingOfChangeSet } from "../../session/read-change-set.ts";
import { scrub } from "./sts-fault.ts";

const DEADLINE_MS = 20_000;
const CONNECT_TIMEOUT_MS = 3_000;
/** More than anybody reads before they decide. */
const MOST_CHANGES = 500;

type Request = Parameters<ReadChangeSet>[0];

/** `endpoint`: a URL in place of AWS's; null: AWS's own. */
export function createReadChangeSet(options: { readonly endpoint: string | null }): ReadChangeSet {
  return async (request) => {
    const { accessKeyId, secretAccessKey, sessionToken } = request.credentials;
    const client = new CloudFormationClient({
      region: request.region,
      ...(options.endpoint === null ? {} : { endpoint: options.endpoint }),
      credentials: {
        accessKeyId,
        secretAccessKey: secretAccessKey.reveal(),
        sessionToken: sessionToken.reveal(),
      },
      requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS },
    });
    try {
      return await read(client, request, AbortSignal.timeout(DEADLINE_MS));
    } catch (error) {
      return err(reasonOf(error));
    } finally {
      client.destroy();
    }
  };
}

/** AWS's own parsed words, and nothing else of an error: it may quote the request. */
function reasonOf(error: unknown): string {
  return error instanceof CloudFormationServiceException
    ? `AWS refused to show it: ${scrub(`${error.name}: ${error.message}`)}`
    : "AWS could not be asked about it";
}

async function read(
  client: CloudFormationClient,
  request: Request,
  abortSignal: AbortSignal,
): Promise<Result<ReadingOfChangeSet, string>> {
  const described = await describe(client, request.arn, abortSignal);
  if (described === null) return err(`it has more than ${MOST_CHANGES} changes, too many to be shown`);
  const { head, changes } = described;
  const executionStatus = head.ExecutionStatus ?? "unknown";
  if (executionStatus !== "AVAILABLE") {
    return err(`it cannot be executed: AWS says ${executionStatus}${reasonWords(head.StatusReason)}`);
  }
  const stackArn = head.StackId ?? "";
  const stacks = await client.send(new DescribeStacksCommand({ StackName: stackArn }), { abortSignal });
  const [stack] = stacks.Stacks ?? [];
  if (stack === undefined) return err("AWS does not show its stack");

  const template = async (ChangeSetName: string | undefined, TemplateStage: "Original" | "Processed") => {
    const command = new GetTemplateCommand({ StackName: stackArn, ChangeSetName, TemplateStage });
    return (await client.send(command, { abortSignal })).TemplateBody ?? null;
  };
  // A stack that was never created has no template of its own.
  const none = stack.StackStatus === "REVIEW_IN_PROGRESS";
  const [original, processed, before] = await Promise.all([
    template(request.arn, "Original"),
    template(request.arn, "Processed"),
    none ? null : template(undefined, "Processed"),
  ]);
  const seen = { head, changes, stack, templates: { original, processed, before } };
  return ok({ changeSet: { ...words(seen), warnings: warnings(seen, request) }, stackArn });
}

const reasonWords = (reason: string | undefined): string =>
  reason === undefined ? "" : `: ${scrub(reason)}`;

interface Described {
  readonly head: DescribeChangeSetCommandOutput;
  readonly changes: readonly SeenChange[];
}

/** All pages; null: too many. */
async function describe(
  client: CloudFormationClient,
  ChangeSetName: string,
  abortSignal: AbortSignal,
): Promise<Described | null> {
  const ask = (NextToken: string | undefined) =>
    client.send(new DescribeChangeSetCommand({ ChangeSetName, NextToken, IncludePropertyValues: true }), {
      abortSignal,
    });
  const head = await ask(undefined);
  const changes = [...(head.Changes ?? [])];
  for (let next = head.NextToken; next !== undefined;) {
    if (changes.length > MOST_CHANGES) return null;
    const page = await ask(next);
    changes.push(...(page.Changes ?? []));
    next = page.NextToken;
  }
  return changes.length > MOST_CHANGES ? null : { head, changes: changes.map(seenChange) };
}

const ACTIONS: readonly ResourceChange["action"][] = ["Add", "Modify", "Remove", "Import", "Dynamic"];
const REPLACEMENTS: readonly ResourceChange["replacement"][] = ["True", "False", "Conditional"];

/** What AWS calls otherwise than was known when this was written counts as the worst it can be. */
function seenChange({ ResourceChange: change = {} }: Change): SeenChange {
  const details = (change.Details ?? []).flatMap(({ Target }) => Target ?? []);
  const names = details.map((target) => detailOf(target));
  if (change.Action === "Add" && change.AfterContext !== undefined) names.push(shown(change.AfterContext));
  return {
    action: ACTIONS.find((action) => action === change.Action) ?? "Dynamic",
    logicalId: change.LogicalResourceId ?? "",
    physicalId: change.PhysicalResourceId ?? null,
    type: change.ResourceType ?? "",
    replacement:
      change.Replacement === undefined
        ? null
        : (REPLACEMENTS.find((one) => one === change.Replacement) ?? "Conditional"),
    policyAction: change.PolicyAction ?? null,
    details: [...new Set(names)].filter((name) => name !== "").sort(),
    touchesTags:
      change.Scope?.includes("Tags") === true ||
      details.some(({ Name, Attribute }) => Attribute === "Tags" || /tags$/i.test(Name ?? "")),
  };
}

/** The property, with its values where AWS shows them: a name alone would hide what is changed. */
function detailOf({ Name, Attribute, BeforeValue, AfterValue }: ResourceTargetDefinition): string {
  const name = Name ?? Attribute ?? "";
  if (BeforeValue === undefined && AfterValue === undefined) return name;
  return `${name}: ${shown(BeforeValue)} → ${shown(AfterValue)}`;
}

/** Of one value. What is longer says so: the whole of it stands in the change set. */
const MOST_CHARACTERS = 600;

function shown(value: string | undefined): string {
  if (value === undefined) return "nothing";
  const left = value.length - MOST_CHARACTERS;
  return left > 0 ? `${value.slice(0, MOST_CHARACTERS)}… (${left} more characters, NOT shown)` : value;
}

interface Seen extends Described {
  readonly stack: Stack;
  readonly templates: {
    readonly original: string | null;
    readonly processed: string | null;
    readonly before: string | null;
  };
}

function words({ head, changes }: Seen) {
  return {
    arn: head.ChangeSetId ?? "",
    name: head.ChangeSetName ?? "",
    stack: head.StackName ?? "",
    description: head.Description ?? null,
    executionStatus: head.ExecutionStatus ?? "",
    changes: changes.map(resourceChange),
    tags: tagsOf(head.Tags),
  };
}

/** What people are shown of a change: every field but the one for warnings. */
function resourceChange(seen: SeenChange): ResourceChange {
  const { action, logicalId, physicalId, type, replacement, policyAction, details } = seen;
  return { action, logicalId, physicalId, type, replacement, policyAction, details };
}

function tagsOf(
  tags: readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[] | undefined,
): readonly Tag[] {
  return (tags ?? []).map(({ Key = "", Value = "" }) => ({ key: Key, value: Value }));
}

function warnings({ head, changes, stack, templates }: Seen, guards: Request): readonly string[] {
  const { original, processed, before } = templates;
  return warningsOf(
    {
      changes,
      tags: tagsOf(head.Tags),
      importsExisting: head.ImportExistingResources === true,
      isNested: head.ParentChangeSetId !== undefined,
      onFailure: head.OnStackFailure ?? null,
      stack: {
        status: stack.StackStatus ?? "",
        tags: tagsOf(stack.Tags),
        roleArn: stack.RoleARN ?? null,
        terminationProtection: stack.EnableTerminationProtection === true,
        template: before,
      },
      template: { original, processed },
    },
    guards,
  );
}
