/**
 * What a value looks like in the file, where the schema first turns it into something else: `15m` into seconds, one
 * value into a list. Read by json-schema.ts alone; judging never looks here.
 */
import type * as z from "zod";

export type Json = Readonly<Record<string, unknown>>;
/** The value's JSON Schema as written, from the one of what it is turned into. */
export type Written = (parsed: Json) => Json;

const forms = new WeakMap<object, Written>();

export function asWritten<T extends z.core.$ZodType>(schema: T, written: Written): T {
  forms.set(schema, written);
  return schema;
}

export const writtenForm = (schema: object): Written | undefined => forms.get(schema);
