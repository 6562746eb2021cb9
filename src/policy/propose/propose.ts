/**
 * Proposes the smallest template for a list of uses: safe reads anywhere, everything else on named resources. What
 * the rules of templates refuse is left out and listed with the rule's own words: nothing here judges by itself.
 */
import type { ActionTable } from "../knowledge.ts";
import { prepareTemplate } from "../prepare.ts";
import { isDestructive } from "../destroyers.ts";
import { isSafeRead } from "../safe-reads.ts";
import type { ConditionBlock } from "../iam/types.ts";
import type { Account, Expectation, ParameterSpec, PolicySet, Template, TemplateStatement } from "../set.ts";
import { ACTS_WITH_SERVICE_ROLE, ON_CHANGE_SET, sortAction } from "../sort.ts";
import type { Use } from "./cloudtrail.ts";
import { generalise } from "./generalise.ts";

export interface Refused {
  readonly action: string;
  readonly reason: string;
  readonly fix: string | null;
}

export interface Proposal {
  /** Null where nothing is left to allow. */
  readonly template: Template | null;
  readonly refused: readonly Refused[];
}

export interface Wish {
  readonly name: string;
  readonly title: string;
  /** Account ids; null: all. */
  readonly accounts: readonly string[] | null;
  readonly uses: readonly Use[];
}

export function propose(wish: Wish, set: PolicySet, table: ActionTable): Proposal {
  const refused: Refused[] = [];
  let uses = wish.uses;
  for (;;) {
    const round: Refused[] = [];
    const template = draft({ ...wish, uses }, set, round);
    if (template !== null) {
      const prepared = prepareTemplate(template, set.guardrails, table);
      if (prepared.ok && round.length === 0) return { template, refused };
      for (const { at, message, fix } of prepared.ok ? [] : prepared.error) {
        const names = template.allow[at.statement]?.action ?? [];
        const blamed = at.action === null ? names : names.slice(at.action, at.action + 1);
        round.push(...blamed.map((action) => ({ action, reason: message, fix })));
      }
    }
    refused.push(...round.filter(({ action }) => !refused.some((known) => known.action === action)));
    const left = uses.filter(({ facts }) => !round.some(({ action }) => action === facts.name));
    if (left.length === uses.length) return { template: null, refused };
    uses = left;
  }
}

interface Group {
  readonly resource: string;
  readonly condition: ConditionBlock;
  readonly actions: string[];
}

function draft(wish: Wish, set: PolicySet, refused: Refused[]): Template | null {
  const { guardrails } = set;
  const reads = wish.uses.filter(({ facts }) => isSafeRead(facts)).map(({ facts }) => facts.name);
  const others = wish.uses.filter(({ facts }) => !isSafeRead(facts));
  const parameters: Record<string, ParameterSpec> = {};
  const groups = new Map<string, Group>();
  const put = (action: string, resource: string, condition: ConditionBlock): void => {
    const key = JSON.stringify([resource, condition]);
    const group = groups.get(key) ?? { resource, condition, actions: [] };
    groups.set(key, group);
    if (!group.actions.includes(action)) group.actions.push(action);
  };
  for (const use of others) {
    const places = placesOf(use, guardrails);
    if (typeof places === "string") {
      refused.push({ action: use.facts.name, reason: places, fix: OUTSIDE_FIX });
      continue;
    }
    for (const { resource, parameter, spec } of places) {
      put(use.facts.name, resource, conditionOf(use));
      if (parameter !== null && spec !== null) parameters[parameter] = both(parameters[parameter], spec);
    }
  }
  if (others.some(({ facts }) => ACTS_WITH_SERVICE_ROLE.includes(facts.name))) {
    put("iam:PassRole", "${service_roles.non_production}", {
      StringEquals: { "iam:PassedToService": "cloudformation.amazonaws.com" },
    });
  }
  const allow: TemplateStatement[] = [...groups.values()].map(({ resource, condition, actions }) => ({
    sid: null,
    action: actions,
    resource: [resource],
    condition,
  }));
  if (reads.length > 0) allow.unshift({ sid: "Look", action: reads, resource: ["*"], condition: {} });
  if (allow.length === 0) return null;
  const several = Object.keys(parameters).length > 1;
  const changes = others.length > 0;
  return {
    name: wish.name,
    kind: "standing",
    title: wish.title,
    description: `${wish.title}. Proposed by \`twokey policy init\`: say here what it is for.`,
    role: changes ? "operator" : "observer",
    intent: !changes ? "observe" : others.some(({ facts }) => isDestructive(facts)) ? "destroy" : "change",
    accounts: wish.accounts,
    duration: { defaultSeconds: 900, maxSeconds: 3600 },
    parameters: Object.fromEntries(
      Object.entries(parameters).map(([name, spec]) => [name, { ...spec, optional: several }]),
    ),
    exceptions: [],
    allow,
    expect: expectations(wish, { allow, parameters }, set),
    file: `templates/${wish.name}.yaml`,
  };
}

const OUTSIDE_FIX =
  "list ARNs that are known not to be production in guardrails.yaml, or leave this to people";

type Place = Exclude<ReturnType<typeof generalise>, string>;

/** Where the use may be allowed, or why nowhere. */
function placesOf(use: Use, guardrails: PolicySet["guardrails"]): readonly Place[] | string {
  const pairs = sortAction(use.facts);
  const typed = pairs.flatMap(({ resource, tagged, class: cls }) =>
    resource === null ? [] : [{ ...resource, tagged: tagged || cls === "created" || cls === "used" }],
  );
  if (typed.length === 0) return [{ resource: "*", parameter: null, spec: null }];
  const seen = typed.filter(({ arn }) => use.arns.some((one) => fits(arn, one)));
  const required = typed.filter((type) => type.required);
  const wanted = seen.length > 0 ? seen : required.length > 0 ? required : typed;
  const places: Place[] = [];
  let reason: string | null = null;
  for (const type of wanted) {
    const place = generalise(
      type,
      use.arns.filter((one) => fits(type.arn, one)),
      guardrails,
    );
    if (typeof place !== "string") {
      places.push(place);
      if (wanted === typed) break;
    }
    // Of the types nobody saw it used on, one that may be named is enough.
    else if (seen.length > 0) return place;
    else reason ??= place;
  }
  return places.length > 0 ? places : (reason ?? "it works on no resource that could be named");
}

/** The service and the fixed text in front of the name. */
function fits(pattern: string, arn: string): boolean {
  const [, , service, , , ...rest] = pattern.split(":");
  const [, , other, , , ...text] = arn.split(":");
  const fixed = rest.join(":").split("*")[0] ?? "";
  const depth = (one: readonly string[]): boolean => one.join(":").includes("/");
  return service === other && text.join(":").startsWith(fixed) && depth(rest) === depth(text);
}

function conditionOf({ facts, via }: Use): ConditionBlock {
  if (ON_CHANGE_SET.includes(facts.name))
    return { StringLike: { "cloudformation:ChangeSetName": "twokey-*" } };
  if (facts.name.startsWith("kms:") && via.length > 0) {
    const services = via.map((service) => `${service}.\${region}.amazonaws.com`);
    return { StringEquals: { "kms:ViaService": services.length === 1 ? (services[0] ?? "") : services } };
  }
  return {};
}

const both = (a: ParameterSpec | undefined, b: ParameterSpec): ParameterSpec =>
  a === undefined ? b : { ...b, like: [...new Set([...a.like, ...b.like])] };

/** What must work and what must not, for the first statement of each kind; the author adds the rest. */
function expectations(
  wish: Wish,
  { allow, parameters }: Pick<Template, "allow" | "parameters">,
  set: PolicySet,
): readonly Expectation[] {
  const account = set.accounts.find(({ id }) => wish.accounts?.includes(id) ?? true);
  if (account === undefined) return [];
  const values = Object.fromEntries(
    Object.entries(parameters).map(([name, { like }]) => [name, [sample(like[0] ?? "*")]]),
  );
  const { environmentTag, nonProduction } = set.guardrails;
  const tag = `aws:ResourceTag/${environmentTag}`;
  const cases: Expectation[] = [];
  for (const { action, resource, condition } of allow) {
    const use = wish.uses.find(
      ({ facts }) => facts.name === action[0] && Object.keys(condition).length === 0,
    );
    if (use === undefined || ACTS_WITH_SERVICE_ROLE.includes(use.facts.name)) continue;
    const [pair] = sortAction(use.facts);
    const where = filledArn(resource[0] ?? "*", values, account);
    const base = { parameters: values, action: use.facts.name, resource: where };
    if (pair?.class === "read") {
      cases.push({ title: `${use.facts.name} works`, ...base, context: {}, decision: "allowed" });
    } else if (pair?.class === "changed" && pair.tagged) {
      cases.push(
        {
          title: `${use.facts.name} works in ${nonProduction[0] ?? ""}`,
          ...base,
          context: { [tag]: nonProduction[0] ?? "" },
          decision: "allowed",
        },
        {
          title: `${use.facts.name} is refused in production`,
          ...base,
          context: { [tag]: "production" },
          decision: "explicitDeny",
        },
        {
          title: `${use.facts.name} is refused without a tag`,
          ...base,
          context: {},
          decision: "explicitDeny",
        },
      );
    } else if (pair?.class === "changed" && resource[0] !== "*") {
      cases.push({
        title: `${use.facts.name} works where the guardrails say so`,
        ...base,
        context: {},
        decision: "allowed",
      });
    }
  }
  return [
    ...cases,
    {
      title: "no hop to another role",
      parameters: values,
      action: "sts:AssumeRole",
      resource: `arn:aws:iam::${account.id}:role/another`,
      context: {},
      decision: "explicitDeny",
    },
  ];
}

const sample = (like: string): string => like.replaceAll("*", "example").replaceAll("?", "x");

function filledArn(
  text: string,
  values: Readonly<Record<string, readonly string[]>>,
  account: Account,
): string {
  if (text === "*") return text;
  return text
    .replaceAll("${account}", account.id)
    .replaceAll("${region}", account.region)
    .replace(/\$\{([a-z0-9_]+)\}/g, (whole, name: string) => values[name]?.[0] ?? whole)
    .replaceAll("*", "example");
}
