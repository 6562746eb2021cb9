/** accounts.yaml: the AWS accounts, and the roles Twokey uses in each. */
import * as z from "zod";
import { type Account, type Guardrails, type PolicyFault } from "../set.ts";
import { didYouMean } from "../suggest.ts";
import { isRecord, valueAt, mapOf, readItem, readList, type Item } from "./report.ts";
import { accountId, externalId, line, region, roleArn } from "./values.ts";
import type { Source } from "./yaml.ts";

export const accountSchema = mapOf({
  id: accountId,
  name: line(100),
  region,
  external_id: externalId,
  roles: mapOf({ observer: roleArn, operator: roleArn, escalated: roleArn }),
  service_roles: z.record(z.string(), roleArn),
});

export type AccountItem = Item<z.output<typeof accountSchema>>;

export const readAccounts = (source: Source, faults: PolicyFault[]): readonly AccountItem[] =>
  readList(source, "accounts", { least: 1 }, faults).map((path) =>
    readItem(source, path, accountSchema, faults),
  );

interface Role {
  readonly path: readonly [group: string, name: string];
  readonly arn: string;
}

/** The account's roles as written, so that one faulty ARN does not hide what is wrong with the others. */
function rolesOf(raw: unknown): readonly Role[] {
  return ["roles", "service_roles"].flatMap((group) => {
    const roles = valueAt(raw, [group]);
    if (!isRecord(roles)) return [];
    return Object.entries(roles).flatMap(([name, arn]): Role[] =>
      roleArn.safeParse(arn).success ? [{ path: [group, name], arn: String(arn) }] : [],
    );
  });
}

export function checkAccount(item: AccountItem, guardrails: Guardrails | null): void {
  const { parts, fault } = item;
  for (const { path, arn } of rolesOf(item.raw)) {
    const account = arn.split(":")[4] ?? "";
    if (parts.id !== undefined && account !== parts.id) {
      fault(
        path,
        `this role is of account ${account}, not of ${parts.id}`,
        `arn:aws:iam::${parts.id}:role/…`,
      );
    }
  }
  checkDistinct(item);
  if (guardrails !== null) checkEnvironments(item, guardrails);
}

/** Roles are told apart by what each may do: one role in two places would carry both rights in both. */
function checkDistinct(item: AccountItem): void {
  const seen = new Map<string, string>();
  for (const { path, arn } of rolesOf(item.raw)) {
    const place = path.join(".");
    const before = seen.get(arn);
    const bothOutside = [before, place].every(
      (at) => at?.startsWith("service_roles.") && at !== "service_roles.production",
    );
    if (before !== undefined && !bothOutside) {
      item.fault(path, `the same role is already \`${before}\``, "make a role of its own for this");
    }
    seen.set(arn, before ?? place);
  }
}

function checkEnvironments({ raw, fault }: AccountItem, guardrails: Guardrails): void {
  const roles = valueAt(raw, ["service_roles"]);
  if (!isRecord(roles)) return;
  const expected = ["production", ...guardrails.nonProduction];
  const given = Object.keys(roles);
  for (const name of expected.filter((value) => !given.includes(value))) {
    fault(
      ["service_roles"],
      `no service role for \`${name}\``,
      `add the line \`${name}: <role ARN>\``,
      "key",
    );
  }
  for (const name of given.filter((value) => !expected.includes(value))) {
    const fix = didYouMean(name, expected) ?? "guardrails.yaml lists the environments";
    fault(["service_roles", name], `\`${name}\` is not an environment`, fix, "key");
  }
}

export const toAccount = (read: z.output<typeof accountSchema>): Account => ({
  id: read.id,
  name: read.name,
  region: read.region,
  externalId: read.external_id,
  roles: read.roles,
  serviceRoles: read.service_roles,
});
