/**
 * Statements that do not do what they seem to: allowed twice over, on resources the action never has, or under
 * conditions that no request can meet. None of it is dangerous; all of it misleads whoever reads the template.
 */
import { accountValues, fillStatement, fillText, placeholdersIn } from "../fill.ts";
import { globCovers, globMatch } from "../iam/match.ts";
import { arnPatternsMayOverlap, type PreparedAction, type PreparedTemplate } from "../prepare.ts";
import type { PolicySet, TemplateStatement } from "../set.ts";
import { ACTS_WITH_SERVICE_ROLE } from "../sort.ts";
import type { Finding } from "./finding.ts";

export function idleStatements(prepared: PreparedTemplate, set: PolicySet): readonly Finding[] {
  return [...shadowedStatements(prepared), ...neverOnThese(prepared), ...contradictions(prepared, set)];
}

function shadowedStatements(prepared: PreparedTemplate): readonly Finding[] {
  const { template } = prepared;
  return prepared.statements.flatMap(({ statement, actions }, index): readonly Finding[] => {
    const covers = actions.map(({ pattern }, at) => coverOf(prepared, index, at, pattern));
    const warn = (path: Finding["path"], message: string, fix: string): Finding => ({
      level: "warning",
      file: template.file,
      path: ["allow", index, ...path],
      message,
      fix,
    });
    if (covers.every((cover) => cover !== null && cover.statement !== index)) {
      const others = [...new Set(covers.flatMap((cover) => (cover === null ? [] : [cover.name])))];
      return [
        warn([], `everything here is allowed by ${others.join(" and ")} already`, "remove the statement"),
      ];
    }
    return covers.flatMap((cover, at) =>
      cover === null
        ? []
        : [
            warn(
              ["Action", at],
              `${statement.action[at] ?? ""} is allowed by ${cover.name} already`,
              "remove it here",
            ),
          ],
    );
  });
}

interface Cover {
  readonly statement: number;
  readonly name: string;
}

/** What allows the action on all of the statement's resources besides; of two that are alike, the first stays. */
function coverOf(prepared: PreparedTemplate, index: number, at: number, pattern: string): Cover | null {
  const here = prepared.statements[index]?.statement;
  if (here === undefined) return null;
  for (const [other, { statement, actions }] of prepared.statements.entries()) {
    if (Object.keys(statement.condition).length > 0) continue;
    if (other !== index && !here.resource.every((arn) => resourceCovered(statement, arn, prepared))) continue;
    for (const [place, { pattern: wide }] of actions.entries()) {
      if (other === index && place === at) continue;
      if (!globCovers(wide, pattern, { ignoreCase: true })) continue;
      const mutual =
        globCovers(pattern, wide, { ignoreCase: true }) &&
        statement.resource.every((arn) => resourceCovered(here, arn, prepared));
      if (mutual && (other > index || (other === index && place > at))) continue;
      return { statement: other, name: other === index ? wide : nameOf(statement, other) };
    }
  }
  return null;
}

const nameOf = ({ sid }: TemplateStatement, index: number): string =>
  sid === null ? `statement ${index + 1}` : `\`${sid}\``;

/** Account and region are one text in both; a parameter covers itself and nothing else, and `*` covers all of it. */
function resourceCovered(by: TemplateStatement, arn: string, { template }: PreparedTemplate): boolean {
  const isParameter = (name: string): boolean => Object.hasOwn(template.parameters, name);
  return by.resource.some(
    (wide) =>
      wide === arn ||
      (!placeholdersIn(wide).some(isParameter) &&
        globCovers(
          plain(wide),
          plain(arn.replace(/\$\{([a-z0-9_]+)\}/g, (text, name: string) => (isParameter(name) ? "*" : text))),
        )),
  );
}

/** A placeholder as text that is no pattern. */
const plain = (arn: string): string => arn.replaceAll("${", "<").replaceAll("}", ">");

/** Actions on resources that AWS never asks them about. */
function neverOnThese(prepared: PreparedTemplate): readonly Finding[] {
  const values = new Map(
    Object.entries(prepared.template.parameters).map(([name, spec]) => [name, spec.like] as const),
  );
  for (const name of ["account", "region", "service_roles", "service_roles.non_production"])
    values.set(name, ["*"]);
  return prepared.statements.flatMap(({ statement, actions }, index) => {
    const resources = statement.resource.flatMap((arn) => fillText(arn, values) ?? []);
    if (resources.includes("*")) return [];
    return actions.flatMap((action, at): readonly Finding[] => {
      const { facts } = action;
      if (facts === null) return [];
      const types = facts.resources.map(({ arn }) => arn);
      if (resources.some((arn) => types.some((type) => arnPatternsMayOverlap(arn, type)))) return [];
      const works = types.length === 0 ? 'only on `Resource: "*"`' : `on ${[...new Set(types)].join(", ")}`;
      return [
        {
          level: "warning",
          file: prepared.template.file,
          path: ["allow", index, "Action", at],
          message: `${action.pattern} is never allowed by this statement: it works ${works}`,
          fix: "move it to a statement with its resource, or remove it",
        },
      ];
    });
  });
}

/** What one request's key must be, to pass one operator or one Deny. */
interface Demand {
  readonly says: string;
  readonly values: readonly string[];
  readonly ignoreCase: boolean;
  readonly glob: boolean;
}

/** Conditions that contradict each other, or what the compiler denies in every session of the template. */
function contradictions(prepared: PreparedTemplate, set: PolicySet): readonly Finding[] {
  const { template } = prepared;
  return prepared.statements.flatMap(({ statement, actions }, index) =>
    actions.flatMap((action, at): readonly Finding[] => {
      const clash = open(template.accounts, set).map((account) => {
        const values = new Map([
          ...Object.entries(template.parameters).map(([name, { like }]) => [name, like] as const),
          ...accountValues(account, set.guardrails.nonProduction),
        ]);
        return clashOf(
          demandsOf(
            prepared,
            action,
            fillStatement(statement, values)?.condition ?? {},
            account.serviceRoles,
          ),
        );
      });
      const [first] = clash;
      if (first === undefined || first === null || clash.includes(null)) return [];
      return [
        {
          level: "fault",
          file: template.file,
          path: ["allow", index, "Action", at],
          message: `${action.pattern} can never be allowed: ${first}`,
          fix: "change the Condition, or remove the action",
        },
      ];
    }),
  );
}

const open = (accounts: readonly string[] | null, set: PolicySet): PolicySet["accounts"] =>
  set.accounts.filter(({ id }) => accounts?.includes(id) ?? true);

function demandsOf(
  prepared: PreparedTemplate,
  action: PreparedAction,
  condition: TemplateStatement["condition"],
  serviceRoles: Readonly<Record<string, string>>,
): ReadonlyMap<string, readonly Demand[]> {
  const demands = new Map<string, Demand[]>();
  const add = (key: string, demand: Demand): void => {
    const name = key.toLowerCase();
    demands.set(name, [...(demands.get(name) ?? []), demand]);
  };
  for (const [operator, keys] of Object.entries(condition)) {
    for (const [key, wanted] of Object.entries(keys)) {
      const values = typeof wanted === "string" ? [wanted] : wanted;
      add(key, {
        says: `the Condition wants ${key} to be ${values.join(" or ")}`,
        values,
        ignoreCase: operator.endsWith("IgnoreCase"),
        glob: /Like$|^Arn/.test(operator),
      });
    }
  }
  const { environmentTag, nonProduction } = prepared.guardrails;
  if (prepared.template.kind === "standing" && !prepared.template.exceptions.includes("prepare-change-set")) {
    for (const { key } of action.fences) {
      const says = `the fence denies all but ${nonProduction.join(", ")}`;
      add(`${key}/${environmentTag}`, { says, values: nonProduction, ignoreCase: true, glob: false });
    }
  }
  if (ACTS_WITH_SERVICE_ROLE.includes(action.pattern)) {
    const values = Object.values(serviceRoles);
    const says = "accounts.yaml pins other service roles";
    add("cloudformation:RoleArn", { says, values, ignoreCase: false, glob: false });
  }
  return demands;
}

/** Why no value of some key meets all demands; null where one may. */
function clashOf(demands: ReadonlyMap<string, readonly Demand[]>): string | null {
  for (const all of demands.values()) {
    // Whether two patterns have a text in common is not worth knowing here: only certain clashes are told.
    const exact = all.filter(({ values }) => !values.some((value) => /[*?]/.test(value)));
    if (exact.length === 0 || all.length < 2 || all.length - exact.length > 1) continue;
    const candidates = exact.flatMap(({ values }) => values);
    const meets = (value: string, { values, ignoreCase, glob }: Demand): boolean =>
      values.some((wanted) =>
        glob
          ? globMatch(wanted, value)
          : ignoreCase
            ? wanted.toLowerCase() === value.toLowerCase()
            : wanted === value,
      );
    if (candidates.some((value) => all.every((demand) => meets(value, demand)))) continue;
    return all.map(({ says }) => says).join(", and ");
  }
  return null;
}
