/** The shipped policy set, loaded once, and one way to ask a compiled session what it may do. */
import { loadActionTable } from "../../src/adapters/action-data/load.ts";
import { loadPolicyFolder } from "../../src/adapters/policy-files/load.ts";
import { compile } from "../../src/policy/compile.ts";
import { evaluate } from "../../src/policy/iam/evaluate.ts";
import { parsePolicy, type ParsedPolicy } from "../../src/policy/iam/parse.ts";
import type { ContextValue, Decision, PolicyDocument } from "../../src/policy/iam/types.ts";
import type { PreparedTemplate } from "../../src/policy/prepare.ts";

export const ACCOUNT = "111122223333";
export const SESSION_ARN = `arn:aws:sts::${ACCOUNT}:assumed-role/ai-operator/orders-ci-x`;

export const table = loadActionTable();

const loaded = await loadPolicyFolder(new URL("../../policies", import.meta.url).pathname, table);
if (!loaded.ok) throw new Error(JSON.stringify(loaded.error, null, 2));
export const served = loaded.value;

export function prepared(name: string): PreparedTemplate {
  const found = served.templates.get(name);
  if (found === undefined) throw new Error(`no template ${name}`);
  return found;
}

export function account() {
  const [first] = served.set.accounts;
  if (first === undefined) throw new Error("no account");
  return first;
}

export function compiled(
  name: string,
  parameters: Readonly<Record<string, readonly string[]>> = {},
): PolicyDocument {
  const result = compile(prepared(name), { account: account(), parameters });
  if (!result.ok) throw new Error(JSON.stringify(result.error));
  return result.value.document;
}

export function parsed(document: unknown, options?: Parameters<typeof parsePolicy>[1]): ParsedPolicy {
  const result = parsePolicy(document, options);
  if (!result.ok) throw new Error(result.error.join("; "));
  return result.value;
}

const EVERYTHING = parsed({
  Version: "2012-10-17",
  Statement: { Effect: "Allow", Action: "*", Resource: "*" },
});

/** A resource policy as generous as there can be: it names the session itself, so no implicit deny limits it. */
const NAMES_THE_SESSION = parsed(
  {
    Version: "2012-10-17",
    Statement: { Effect: "Allow", Principal: { AWS: SESSION_ARN }, Action: "*", Resource: "*" },
  },
  { resourcePolicy: true },
);

/** The role itself may do everything, so whatever is stopped is stopped by the session policy alone. */
export function ask(
  session: ParsedPolicy,
  action: string,
  resource: string,
  context: Readonly<Record<string, ContextValue>> = {},
  resourcePolicy = true,
): Decision {
  return evaluate(
    {
      principal: { arn: SESSION_ARN, account: ACCOUNT },
      action,
      resource,
      resourceAccount: ACCOUNT,
      context,
    },
    {
      identity: [EVERYTHING],
      session: [session],
      boundary: null,
      scp: null,
      resource: resourcePolicy ? NAMES_THE_SESSION : null,
    },
  ).decision;
}
