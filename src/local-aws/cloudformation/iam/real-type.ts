/** A type whose resources a stack really makes: what it must know to make, change and take away one. */
import type { Answered } from "../../fault.ts";
import type { Made } from "../stack.ts";
import type { JsonObject } from "../template.ts";
import type { Acting } from "./acting.ts";
import type { PropertyRules } from "./properties.ts";

export interface Stood {
  /** What Ref gives. */
  readonly physicalId: string;
  readonly attributes: Made["attributes"];
}

export interface Existing extends Stood {
  /** As they were last given, resolved. */
  readonly properties: JsonObject;
}

/** All take properties that passed `rules`. A step that fails leaves the earlier ones done: the stack undoes them. */
export interface RealType {
  readonly rules: PropertyRules;
  /** The property that names it, where the stack may make up the name; null: the name is always given. */
  readonly name: string | null;
  readonly longestName: number;
  /** Whether the stack's tags go on it. */
  readonly tagged: boolean;
  /** `name` is the given one or the made-up one. */
  readonly create: (acting: Acting, name: string, properties: JsonObject) => Answered<Stood>;
  readonly update: (acting: Acting, old: Existing, properties: JsonObject) => Answered<Stood>;
  readonly remove: (acting: Acting, old: Existing) => Answered<null>;
}
