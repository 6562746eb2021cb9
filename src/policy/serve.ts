/**
 * A policy set ready to be served: every template prepared against the action data, once, so that a mint only
 * fills in parameters.
 */
import type { PolicySet } from "./set.ts";

export interface ServedPolicy {
  readonly set: PolicySet;
}
