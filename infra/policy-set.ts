/** The policy set that is deployed: the folder the broker serves, read and checked by the same code. */
import { loadActionTable } from "../src/adapters/action-data/load.ts";
import { loadPolicyFolder } from "../src/adapters/policy-files/load.ts";
import type { ServedPolicy } from "../src/policy/serve.ts";

/** Throws with every fault: half a fence is not deployed. */
export async function readPolicySet(folder: string): Promise<ServedPolicy> {
  const loaded = await loadPolicyFolder(folder, loadActionTable());
  if (loaded.ok) return loaded.value;
  const faults = loaded.error.map(
    ({ file, line, column, message }) => `${file}:${line}:${column}: ${message}`,
  );
  throw new Error(`the policy set in ${folder} has faults:\n${faults.join("\n")}`);
}
