/** The shipped policy set, loaded once. */
import { loadActionTable } from "../../src/adapters/action-data/load.ts";
import { loadPolicyFolder } from "../../src/adapters/policy-files/load.ts";
import { compile } from "../../src/policy/compile.ts";
import type { CompiledSession } from "../../src/policy/compiled.ts";
import type { PreparedTemplate } from "../../src/policy/prepare.ts";
import type { Account } from "../../src/policy/set.ts";

export const table = loadActionTable();

const loaded = await loadPolicyFolder(new URL("../../policies", import.meta.url).pathname, table);
if (!loaded.ok) throw new Error(JSON.stringify(loaded.error, null, 2));
export const served = loaded.value;

export function prepared(name: string): PreparedTemplate {
  const found = served.templates.get(name);
  if (found === undefined) throw new Error(`no template ${name}`);
  return found;
}

export function account(): Account {
  const [first] = served.set.accounts;
  if (first === undefined) throw new Error("no account");
  return first;
}

export function compiledSession(
  name: string,
  parameters: Readonly<Record<string, readonly string[]>>,
): CompiledSession {
  const result = compile(prepared(name), { account: account(), parameters });
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value;
}
