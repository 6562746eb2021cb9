/**
 * One authenticated call on its way through an operation, and what an operation is: a plan that first names what
 * the policies are asked and only then can run. The dispatcher asks; an operation cannot run unasked.
 */
import type { ParsedPolicy } from "../policy/iam/parse.ts";
import type { ContextValue } from "../policy/iam/types.ts";
import type { ActionTable } from "../policy/knowledge.ts";
import type { Caller } from "./caller.ts";
import type { Answered } from "./fault.ts";
import type { Parameters } from "./parameters.ts";
import type { Random } from "./random.ts";
import type { World } from "./state.ts";
import type { Tag } from "./tags.ts";
import type { XmlStructure } from "./xml.ts";

export interface Call {
  readonly world: World;
  readonly actions: ActionTable;
  readonly caller: Caller;
  /** Region of the signature's scope. */
  readonly region: string;
  readonly parameters: Parameters;
  readonly now: Date;
  readonly random: Random;
  readonly requestId: string;
  readonly sourceIp: string;
  readonly userAgent: string | null;
  /** The AWS service that makes this call, and with whose permissions; null: the caller itself makes it. */
  readonly service: { readonly name: string; readonly as: "caller" | "service role" } | null;
}

/** One question to the policies: may the caller do this action on this resource? */
export interface Ask {
  /** `service:Action` */
  readonly action: string;
  /** ARN, or `*`. */
  readonly resource: string;
  /** Default: the caller's account. */
  readonly resourceAccount?: string;
  /** Become `aws:ResourceTag/…` where the published data says that the action carries them on this resource. */
  readonly resourceTags?: readonly Tag[];
  readonly context?: Readonly<Record<string, ContextValue>>;
  /**
   * For the STS actions on a role: its trust policy, which must allow whatever else does; null when there is no
   * such role.
   */
  readonly trust?: ParsedPolicy | null;
}

export interface Plan {
  /** All must be allowed. Empty only for what AWS lets everybody do. */
  readonly asks: readonly Ask[];
  readonly run: () => Answered<Answer>;
}

export interface Answer {
  /** What the result element holds; null for operations that answer without one. */
  readonly result: XmlStructure | null;
  /** What CloudTrail keeps of the answer. Never a secret. */
  readonly responseElements?: Readonly<Record<string, unknown>>;
}

/** Checks the request's syntax and plans it. What exists and what does not is told by `run`, after the asks. */
export type Operation = (call: Call) => Answered<Plan>;

/** Operations by name. A Map, because the name is hostile text (`constructor`, `__proto__`). */
export type Operations = ReadonlyMap<string, Operation>;

export const table = (operations: Readonly<Record<string, Operation>>): Operations =>
  new Map(Object.entries(operations));
