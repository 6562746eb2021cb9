/**
 * What one policy set means against another: not text but what sessions can do, where, who may ask and who decides.
 * Pure; used by `twokey policy diff`, the broker's reload and pages. Titles, descriptions, comments, order and
 * `expect:` cases mean nothing here.
 *
 * When it cannot tell whether something grew or shrank, it says that the old was lost and the new gained: a gain
 * is never passed over in silence.
 */
import { approvalChanges } from "./diff-approvals.ts";
import { factChanges, type Fact } from "./diff-facts.ts";
import { guardrailChanges } from "./diff-guardrails.ts";
import { templateChanges } from "./diff-templates.ts";
import type { ActionTable } from "./knowledge.ts";
import type { Power, Where } from "./explain-reach.ts";
import type { ServedPolicy } from "./serve.ts";
import type { PolicySet } from "./set.ts";

/** `gained`: an AI session can do more, or gets it more easily. `lost`: less. `changed`: neither. */
export type Direction = "gained" | "lost" | "changed";

export type Area = "template" | "guardrails" | "accounts" | "agents" | "approvals";

export interface Change {
  readonly direction: Direction;
  readonly area: Area;
  /** The template, agent, account or guardrail it is about. */
  readonly subject: string;
  /** One sentence without its subject and full stop. */
  readonly what: string;
  /** Actions of a template that are gained or lost, with what they come to; null for all else. */
  readonly reach: ReachChange | null;
}

export interface ReachChange {
  readonly actions: readonly string[];
  readonly power: Power;
  readonly where: readonly Where[];
}

export interface PolicyDiff {
  /** Digests of the sets. */
  readonly before: string;
  readonly after: string;
  /** Gains first, and what destroys before what does not. */
  readonly changes: readonly Change[];
}

export function diffPolicies(before: ServedPolicy, after: ServedPolicy, table: ActionTable): PolicyDiff {
  const changes = [
    ...templateChanges(before, after, table),
    ...guardrailChanges(before.set.guardrails, after.set.guardrails),
    ...factChanges("accounts", accountFacts(before.set), accountFacts(after.set)),
    ...accountChanges(before.set, after.set),
    ...factChanges("agents", agentFacts(before.set), agentFacts(after.set)),
    ...approvalChanges(before.set, after.set),
  ];
  return { before: before.set.digest, after: after.set.digest, changes: [...changes].sort(byWeight) };
}

/** A change as one sentence, for a log or an audit entry. */
export function changeSentence({ direction, area, subject, what }: Change): string {
  return `${direction}: ${area === "template" ? "template " : ""}${subject}: ${what}`;
}

const DIRECTIONS: readonly Direction[] = ["gained", "lost", "changed"];
const AREAS: readonly Area[] = ["guardrails", "template", "agents", "approvals", "accounts"];

function byWeight(a: Change, b: Change): number {
  const destroys = ({ reach }: Change): number => (reach?.power === "destroy" ? 0 : 1);
  return (
    DIRECTIONS.indexOf(a.direction) - DIRECTIONS.indexOf(b.direction) ||
    destroys(a) - destroys(b) ||
    AREAS.indexOf(a.area) - AREAS.indexOf(b.area)
  );
}

function accountFacts({ accounts }: PolicySet): readonly Fact[] {
  return accounts.flatMap(({ id, roles, serviceRoles }) => [
    ...Object.entries(roles).map(([role, arn]) => ({ subject: id, what: `the ${role} role is ${arn}` })),
    ...Object.entries(serviceRoles).map(([environment, arn]) => ({
      subject: id,
      what: `stacks of ${environment} are worked by ${arn}`,
    })),
  ]);
}

/** What of an account can be another without letting more or less happen. */
function accountChanges(before: PolicySet, after: PolicySet): readonly Change[] {
  return after.accounts.flatMap((now) => {
    const then = before.accounts.find(({ id }) => id === now.id);
    if (then === undefined) return [];
    const whats = [
      ...(then.name === now.name ? [] : [`is called ${now.name}, not ${then.name}`]),
      ...(then.region === now.region ? [] : [`sessions come from ${now.region}, not ${then.region}`]),
      ...(then.externalId === now.externalId ? [] : ["has another external id"]),
    ];
    return whats.map((what) => ({
      direction: "changed" as const,
      area: "accounts" as const,
      subject: now.id,
      what,
      reach: null,
    }));
  });
}

/** Who may ask: what proves an agent, who answers for it, and what it may ask for. */
function agentFacts({ registry }: PolicySet): readonly Fact[] {
  const issuers = registry.issuers.map((issuer) => {
    const { id, kind, ...settings } = issuer;
    return { subject: `issuer ${id}`, what: `${kind} tokens are trusted: ${words(settings)}` };
  });
  const agents = registry.agents.flatMap(({ name, owner, issuer, subject, claims, keys, templates }) => {
    const claimed = Object.keys(claims).length > 0 ? ` with ${words(claims)}` : "";
    return [
      { subject: name, what: `is proved by ${issuer} as ${subject}${claimed}` },
      { subject: name, what: `answers to ${owner}` },
      ...keys.map(({ kid }) => ({ subject: name, what: `is proved by the key ${kid}` })),
      ...templates.map((template) => ({ subject: name, what: `may ask for ${template}` })),
    ];
  });
  return [...issuers, ...agents];
}

const words = (settings: object): string =>
  Object.entries(settings)
    .filter(([, value]) => value !== null)
    .map(([key, value]) => `${key} ${Array.isArray(value) ? value.join(", ") : String(value)}`)
    .sort()
    .join("; ");
