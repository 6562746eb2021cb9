/** One thing `policy check` has to say about a file: where, what, and what to do about it. */
import type { Path } from "../schema/yaml.ts";

/**
 * `fault`: the set is not served. `warning`: it does no harm, and is hardly what its author meant.
 */
export interface Finding {
  readonly level: "fault" | "warning";
  /** The file's name inside the policy folder. */
  readonly file: string;
  readonly path: Path;
  readonly message: string;
  readonly fix: string | null;
}
