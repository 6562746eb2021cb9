/** How fast policies are compiled and evaluated, on one core. */
import { loadActionTable } from "../src/adapters/action-data/load.ts";
import { loadPolicyFolder } from "../src/adapters/policy-files/load.ts";
import { compile } from "../src/policy/compile.ts";
import { evaluate } from "../src/policy/iam/evaluate.ts";
import { parsePolicy } from "../src/policy/iam/parse.ts";

export interface PolicyFigures {
  /** Microseconds to compile staging-deploy, warm. */
  readonly compileMicroseconds: number;
  /** Decisions a second on its compiled policy, parse excluded. */
  readonly decisionsPerSecond: number;
}

export async function policyFigures(milliseconds: number): Promise<PolicyFigures> {
  const loaded = await loadPolicyFolder(new URL("../policies", import.meta.url).pathname, loadActionTable());
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.error));
  const prepared = loaded.value.templates.get("staging-deploy");
  const [account] = loaded.value.set.accounts;
  if (prepared === undefined || account === undefined)
    throw new Error("the shipped set lacks staging-deploy");
  const input = { account, parameters: {} };
  const compiled = compile(prepared, input);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  const session = parsePolicy(compiled.value.document);
  const identity = parsePolicy({
    Version: "2012-10-17",
    Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }],
  });
  if (!session.ok || !identity.ok) throw new Error("a policy does not parse");
  const layers = {
    identity: [identity.value],
    session: [session.value],
    boundary: null,
    scp: null,
    resource: null,
  };
  const actions = [
    "cloudformation:DescribeStacks",
    "cloudformation:DeleteStack",
    "s3:GetObject",
    "iam:PassRole",
  ];
  const requests = actions.map((action) => ({
    principal: { arn: "arn:aws:sts::111122223333:assumed-role/ai-operator/x", account: "111122223333" },
    action,
    resource: "arn:aws:cloudformation:us-east-1:111122223333:stack/orders-staging/1",
    resourceAccount: "111122223333",
    context: { "aws:ResourceTag/environment": "staging" },
  }));
  const compiles = perSecond(milliseconds, () => compile(prepared, input));
  let next = 0;
  const decisions = perSecond(milliseconds, () => {
    const request = requests[next++ % requests.length];
    if (request !== undefined) evaluate(request, layers);
  });
  return { compileMicroseconds: 1_000_000 / compiles, decisionsPerSecond: decisions };
}

function perSecond(milliseconds: number, task: () => unknown): number {
  for (let warm = 0; warm < 2_000; warm++) task();
  const start = performance.now();
  let count = 0;
  while (performance.now() - start < milliseconds) {
    for (let batch = 0; batch < 50; batch++) task();
    count += 50;
  }
  return (count * 1000) / (performance.now() - start);
}
