/**
 * What an approver must be told of a change set before anything else: whatever would be executed and AWS does not show,
 * and whatever moves the line between production and the rest. Pure; a plain sentence each. Where something cannot be
 * read, that is a warning too. Decides nothing: the people do.
 */
import type { ResourceChange } from "../escalation/escalation.ts";
import { readStackTemplate, type StackTemplate } from "./stack-template.ts";

export interface SeenChangeSet {
  readonly changes: readonly SeenChange[];
  /** The stack's tags afterwards. */
  readonly tags: readonly Tag[];
  readonly importsExisting: boolean;
  /** It is part of another change set. */
  readonly isNested: boolean;
  /** AWS's word, e.g. `DELETE`; null: not said. */
  readonly onFailure: string | null;
  readonly stack: SeenStack;
  /** Text as it was sent in, and as it stands after macros; null: AWS did not show it. */
  readonly template: { readonly original: string | null; readonly processed: string | null };
}

export interface SeenChange extends ResourceChange {
  /** Its tags change, whatever the template says about them. */
  readonly touchesTags: boolean;
}

export interface SeenStack {
  readonly status: string;
  readonly tags: readonly Tag[];
  readonly roleArn: string | null;
  readonly terminationProtection: boolean;
  /** After macros; null: AWS did not show it, or there is none yet. */
  readonly template: string | null;
}

export interface Tag {
  readonly key: string;
  readonly value: string;
}

export interface Guards {
  readonly environmentTag: string;
  readonly serviceRoles: Readonly<Record<string, string>>;
}

/** The status of a stack that only has a first change set. */
const NEVER_CREATED = "REVIEW_IN_PROGRESS";

/** The gravest first. */
export function warningsOf(seen: SeenChangeSet, guards: Guards): readonly string[] {
  const read = (text: string | null): StackTemplate | null =>
    text === null ? null : readStackTemplate(text, guards.environmentTag);
  const [original, after, before] = [
    read(seen.template.original),
    read(seen.template.processed),
    read(seen.stack.template),
  ];
  return [
    ...stackTag(seen, guards),
    ...resourceTags(seen, { before, after }, guards),
    ...imports(seen),
    ...nested(seen, after),
    ...permissions(seen),
    ...unread(seen, { original, after, before }),
    ...macros(original),
    ...lookedUp(original, after),
    ...stackFacts(seen, guards),
  ];
}

function environmentOf(tags: readonly Tag[], { environmentTag }: Guards): string | null {
  const found = tags.find(({ key }) => key.toLowerCase() === environmentTag.toLowerCase());
  return found === undefined ? null : found.value;
}

const said = (value: string | null): string => (value === null ? "absent" : `"${value}"`);

function stackTag(seen: SeenChangeSet, guards: Guards): readonly string[] {
  if (seen.stack.status === NEVER_CREATED) return [];
  const [then, now] = [environmentOf(seen.stack.tags, guards), environmentOf(seen.tags, guards)];
  if (then === now) return [];
  return [
    `The stack's tag ${guards.environmentTag} changes from ${said(then)} to ${said(now)}, for the stack and every resource in it.`,
  ];
}

/** Types that say who may do what; what is in them counts more than that they change. */
const PERMISSIONS = /^AWS::(?:IAM::|Organizations::|KMS::Key$|Lambda::Permission$)|Policy$/;

function permissions({ changes }: SeenChangeSet): readonly string[] {
  return changes
    .filter(({ type, action }) => PERMISSIONS.test(type) && action !== "Remove")
    .map(
      ({ logicalId, type }) =>
        `It changes who may do what: ${logicalId} (${type}). Read its values below before you decide.`,
    );
}

interface Templates {
  readonly before: StackTemplate | null;
  readonly after: StackTemplate | null;
}

function resourceTags(seen: SeenChangeSet, { before, after }: Templates, guards: Guards): readonly string[] {
  const { environmentTag } = guards;
  const stackSays = JSON.stringify(environmentOf(seen.tags, guards));
  const ids = [...new Set([...(before?.resources.keys() ?? []), ...(after?.resources.keys() ?? [])])];
  return ids.flatMap((id) => {
    const [then, now] = [before?.resources.get(id), after?.resources.get(id)];
    if (now === undefined) return [];
    const told = (values: readonly string[]): string =>
      values.length === 0 ? "absent" : values.join(" and ");
    if (then === undefined) {
      const other = now.environment.some((value) => value !== stackSays);
      return other
        ? [`${id} is made with the tag ${environmentTag} ${told(now.environment)}, unlike its stack.`]
        : [];
    }
    if (JSON.stringify(then.environment) !== JSON.stringify(now.environment)) {
      return [
        `The tag ${environmentTag} of ${id} changes from ${told(then.environment)} to ${told(now.environment)}.`,
      ];
    }
    const moved = seen.changes.some(({ logicalId, touchesTags }) => logicalId === id && touchesTags);
    return moved && now.environment.some((value) => !isText(value))
      ? [
          `The tags of ${id} change, and the tag ${environmentTag} with them may: its value is worked out when it runs.`,
        ]
      : [];
  });
}

/** JSON of a plain text, and of nothing that is worked out later. */
const isText = (json: string): boolean => json.startsWith('"');

function imports(seen: SeenChangeSet): readonly string[] {
  const imported = seen.changes.filter(({ action }) => action === "Import");
  return [
    ...imported.map(
      ({ logicalId, type }) => `${logicalId} (${type}) exists already and comes under this stack's life.`,
    ),
    ...(seen.importsExisting
      ? ["Resources that exist already under a name of the template are taken over by this stack."]
      : []),
  ];
}

const NESTED_STACK = "AWS::CloudFormation::Stack";

function nested(seen: SeenChangeSet, after: StackTemplate | null): readonly string[] {
  const inChanges = seen.changes
    .filter(({ type }) => type === NESTED_STACK)
    .map(({ logicalId }) => logicalId);
  const inTemplate = [...(after?.resources ?? [])]
    .filter(([, { type }]) => type === NESTED_STACK)
    .map(([id]) => id);
  const part = seen.isNested
    ? ["It is part of another change set: executing that one executes this one."]
    : [];
  return [
    ...[...new Set([...inChanges, ...inTemplate])].map(
      (id) => `${id} is a nested stack: what changes inside it is not shown here.`,
    ),
    ...part,
  ];
}

function unread(
  seen: SeenChangeSet,
  { original, after, before }: Templates & { readonly original: StackTemplate | null },
): readonly string[] {
  const unreadable = original === null || after === null;
  const existing = seen.stack.status !== NEVER_CREATED && before === null;
  return [
    ...(unreadable
      ? ["Its template could not be read: nested stacks, macros and tags in it are not told here."]
      : []),
    ...(existing
      ? ["The stack's template as it is now could not be read: changed tags are not told here."]
      : []),
  ];
}

function macros(original: StackTemplate | null): readonly string[] {
  const names = original?.macros ?? [];
  return names.length === 0
    ? []
    : [
        `Its template was rewritten by macros when it was prepared (${names.join(", ")}): see the processed template.`,
      ];
}

function lookedUp(original: StackTemplate | null, after: StackTemplate | null): readonly string[] {
  const names = [...new Set([...(original?.lookedUp ?? []), ...(after?.lookedUp ?? [])])];
  return names.length === 0
    ? []
    : [`It takes values from elsewhere, which may change before it runs: ${names.join(", ")}.`];
}

function stackFacts({ stack, tags, onFailure }: SeenChangeSet, guards: Guards): readonly string[] {
  const created = stack.status !== NEVER_CREATED;
  const pinned = pinnedRole(created ? stack.tags : tags, guards);
  return [
    ...(created ? [] : ["The stack was never created: this makes it, with everything in it."]),
    ...(stack.roleArn !== null && stack.roleArn !== pinned
      ? [`The stack works as the role ${stack.roleArn}, and not as the one pinned for its environment.`]
      : []),
    ...(created && !stack.terminationProtection ? ["The stack's termination protection is off."] : []),
    ...(onFailure === "DELETE" ? ["If it fails, AWS deletes the stack."] : []),
  ];
}

function pinnedRole(tags: readonly Tag[], guards: Guards): string | undefined {
  const environment = environmentOf(tags, guards)?.toLowerCase();
  const known = Object.entries(guards.serviceRoles).find(([name]) => name.toLowerCase() === environment);
  return known?.[1] ?? guards.serviceRoles["production"];
}
