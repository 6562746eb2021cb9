/**
 * The sessions a template can become, as few as stand for all: each account it is open in, each parameter at a value
 * of each of its globs, optional ones left out, several values where they are taken, ARNs of another account.
 * Values are what an agent could send: each passes the same check. Must not compile anything.
 */
import { acceptParameters } from "../parameters.ts";
import type { Account, Template } from "../set.ts";
import { concreteArn } from "./resources.ts";
import { OTHER_ACCOUNT } from "./question.ts";

export type Parameters = Readonly<Record<string, readonly string[]>>;

export interface ProofCase {
  readonly account: Account;
  readonly parameters: Parameters;
}

export function representativeCases(template: Template, accounts: readonly Account[]): readonly ProofCase[] {
  return accounts
    .filter(({ id }) => template.accounts?.includes(id) ?? true)
    .flatMap((account) => parametersFor(template, account).map((parameters) => ({ account, parameters })));
}

function parametersFor(template: Template, account: Account): readonly Parameters[] {
  const values = new Map(
    Object.entries(template.parameters).map(([name, { like }]) => [name, valuesOf(like, account)]),
  );
  const usual: Parameters = Object.fromEntries([...values].map(([name, all]) => [name, all.slice(0, 1)]));
  const optional = Object.entries(template.parameters).filter(([, spec]) => spec.optional);
  const found: Parameters[] = [usual];
  for (const [name, all] of values) {
    for (const value of all.slice(1)) found.push({ ...usual, [name]: [value] });
    const most = template.parameters[name]?.max ?? 1;
    if (most > 1) found.push({ ...usual, [name]: all.slice(0, most) });
  }
  for (const [name] of optional) {
    found.push(without(usual, [name]));
    found.push(
      without(
        usual,
        optional.map(([other]) => other).filter((other) => other !== name),
      ),
    );
  }
  const distinct = [...new Map(found.map((parameters) => [JSON.stringify(parameters), parameters])).values()];
  return distinct.filter((parameters) => acceptParameters(template, parameters).ok);
}

const without = (parameters: Parameters, names: readonly string[]): Parameters =>
  Object.fromEntries(Object.entries(parameters).filter(([name]) => !names.includes(name)));

/** What each glob may stand for; the first value is the usual one. */
function valuesOf(like: readonly string[], { id, region, roles }: Account): readonly string[] {
  const partition = roles.operator.split(":")[1] ?? "aws";
  const stands = (glob: string, account: string, filler: string): string =>
    concreteArn(glob, { partition, region, account }, filler);
  const found = like.flatMap((glob) => [
    stands(glob, id, "orders"),
    stands(glob, id, "production"),
    stands(glob, OTHER_ACCOUNT, "orders"),
  ]);
  return [...new Set(found)];
}
