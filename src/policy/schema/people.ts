/** people.yaml: one id for each person, with every account that is them. */
import * as z from "zod";
import type { Person } from "../../identity/registry.ts";
import type { PolicyFault } from "../set.ts";
import { mapOf, readItem, readList, type Item } from "./report.ts";
import { id, line } from "./values.ts";
import type { Source } from "./yaml.ts";

export const personSchema = mapOf({
  id,
  name: line(100),
  groups: z.array(id).max(50).default([]),
  identities: z
    .array(mapOf({ issuer: line(512), subject: line(512) }))
    .min(1)
    .max(50),
});

export type PersonItem = Item<z.output<typeof personSchema>>;

export const readPeople = (source: Source, faults: PolicyFault[]): readonly PersonItem[] =>
  readList(source, "people", { least: 1 }, faults).map((path) =>
    readItem(source, path, personSchema, faults),
  );

/** One account of two people, or of one person twice, would let somebody count as somebody else. */
export function checkIdentities(people: readonly PersonItem[]): void {
  const seen = new Map<string, string>();
  for (const { parts, fault } of people) {
    for (const [index, identity] of (parts.identities ?? []).entries()) {
      const key = JSON.stringify([identity.issuer, identity.subject]);
      const before = seen.get(key);
      if (before !== undefined) {
        fault(
          ["identities", index],
          `this account already belongs to \`${before}\``,
          "an account is one person's",
        );
      }
      seen.set(key, before ?? parts.id ?? "somebody else");
    }
  }
}

export const toPerson = (read: z.output<typeof personSchema>): Person => read;
