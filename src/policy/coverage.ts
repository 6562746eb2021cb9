/**
 * What stands before each destructive action of AWS under these guardrails. It asks the product itself: would the
 * checks accept a template with this action, and under what fence? So the count can never be kinder than the
 * control. Pure.
 */
import { isDestructive } from "./destroyers.ts";
import { globMatch } from "./iam/match.ts";
import type { ActionFacts, ActionTable } from "./knowledge.ts";
import { arnPatternsMayOverlap, prepareTemplate } from "./prepare.ts";
import type { Guardrails, Template, TemplateStatement } from "./set.ts";
import { sortAction } from "./sort.ts";

/**
 * From the freest to the strictest. `tag`: a standing template may hold it, fenced by the environment tag. `arns`:
 * a standing template may, on the guardrails' non-production ARNs alone. `escalation`: only an escalation that
 * names exact resources. `floor` and `unfenceable`: never; the latter has no resource to name, or changes rights.
 */
export const BARRIERS = ["tag", "arns", "escalation", "floor", "unfenceable"] as const;
export type Barrier = (typeof BARRIERS)[number];

export interface ServiceCoverage {
  readonly service: string;
  /** Names without the service, by what stands before them. */
  readonly actions: Readonly<Record<Barrier, readonly string[]>>;
}

export interface Coverage {
  /** Version of the action data. */
  readonly actionData: string;
  /** Services with at least one destructive action. */
  readonly services: readonly ServiceCoverage[];
  readonly totals: Readonly<Record<Barrier, number>>;
  readonly destructive: number;
}

export function coverageOf(guardrails: Guardrails, table: ActionTable): Coverage {
  const services = table.services.flatMap((service) => {
    const destructive = table.actions(service).filter(isDestructive);
    return destructive.length === 0 ? [] : [serviceCoverage(service, destructive, { guardrails, table })];
  });
  const sum = (barrier: Barrier): number =>
    services.reduce((total, { actions }) => total + actions[barrier].length, 0);
  const totals = byBarrier(sum);
  return {
    actionData: table.version,
    services,
    totals,
    destructive: BARRIERS.reduce((total, barrier) => total + totals[barrier], 0),
  };
}

interface Ground {
  readonly guardrails: Guardrails;
  readonly table: ActionTable;
}

function byBarrier<T>(valueOf: (barrier: Barrier) => T): Record<Barrier, T> {
  return Object.fromEntries(BARRIERS.map((barrier) => [barrier, valueOf(barrier)])) as Record<Barrier, T>;
}

function serviceCoverage(
  service: string,
  destructive: readonly ActionFacts[],
  ground: Ground,
): ServiceCoverage {
  const sorted = destructive.map((facts) => ({
    name: facts.name.slice(facts.name.indexOf(":") + 1),
    barrier: barrierOf(facts, ground),
  }));
  return {
    service,
    actions: byBarrier((barrier) =>
      sorted
        .filter((row) => row.barrier === barrier)
        .map(({ name }) => name)
        .sort(),
    ),
  };
}

export function barrierOf(facts: ActionFacts, ground: Ground): Barrier {
  const { guardrails } = ground;
  if (guardrails.floor.some((pattern) => globMatch(pattern, facts.name, { ignoreCase: true })))
    return "floor";
  // A type without an ARN pattern cannot be named.
  const touched = sortAction(facts)
    .filter((pair) => pair.class !== "used")
    .flatMap(({ resource }) => (resource?.arn.startsWith("arn:") === true ? [resource.arn] : []));
  const exactly = (arn: string): string => arn.replaceAll("*", "x");
  const exact = touched.map(exactly);
  const listed = guardrails.nonProductionArns
    .filter((wide) => touched.some((arn) => arnPatternsMayOverlap(wide, arn)))
    .map(exactly);
  const accepted = (kind: Template["kind"], resource: readonly string[]): boolean =>
    resource.length > 0 && isAccepted(facts, { kind, resource, ground });
  // Work as another role is offered on exact targets only.
  if (accepted("standing", ["*"]) || accepted("standing", exact)) return "tag";
  if (accepted("standing", listed)) return "arns";
  return accepted("escalation", exact) ? "escalation" : "unfenceable";
}

/** As narrow as any rule asks for: what it would still refuse, no condition makes good. */
const NARROWEST: TemplateStatement["condition"] = {
  StringEquals: {
    "cloudformation:ChangeSetName": "twokey-coverage",
    "iam:PassedToService": "cloudformation.amazonaws.com",
    "kms:ViaService": "dynamodb.us-east-1.amazonaws.com",
  },
};

function isAccepted(
  facts: ActionFacts,
  asked: { readonly kind: Template["kind"]; readonly resource: readonly string[]; readonly ground: Ground },
): boolean {
  const { kind, resource, ground } = asked;
  const template: Template = {
    name: "coverage",
    kind,
    title: "",
    description: "",
    role: "operator",
    intent: "destroy",
    accounts: null,
    duration: { defaultSeconds: 900, maxSeconds: 900 },
    parameters: {},
    exceptions: [],
    allow: [{ sid: null, action: [facts.name], resource, condition: NARROWEST }],
    expect: [],
    file: "",
  };
  return prepareTemplate(template, ground.guardrails, ground.table).ok;
}
