/** How fast policies are compiled, evaluated and simulated, on one core. */
import { simulateChunks } from "../src/cli/policy/simulate.ts";
import { loadActionTable } from "../src/adapters/action-data/load.ts";
import { loadPolicyFolder } from "../src/adapters/policy-files/load.ts";
import { compile } from "../src/policy/compile.ts";
import { evaluate } from "../src/policy/iam/evaluate.ts";
import { parsePolicy } from "../src/policy/iam/parse.ts";

export interface PolicyFigures {
  /** Microseconds to compile staging-deploy, warm. */
  readonly compileMicroseconds: number;
  /** The same for data-repair with a table and a bucket as parameters. */
  readonly compileWithParametersMicroseconds: number;
  /** Decisions a second on staging-deploy's compiled policy, parse excluded. */
  readonly decisionsPerSecond: number;
  /** Lines a second through `twokey policy simulate`'s own function, JSON in and out included. */
  readonly simulatedPerSecond: number;
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
  const repair = loaded.value.templates.get("data-repair");
  if (repair === undefined) throw new Error("the shipped set lacks data-repair");
  const named = { account, parameters: { table: ["orders"], bucket: ["orders-staging"] } };
  const withParameters = perSecond(milliseconds, () => compile(repair, named));
  let next = 0;
  const decisions = perSecond(milliseconds, () => {
    const request = requests[next++ % requests.length];
    if (request !== undefined) evaluate(request, layers);
  });
  const policies = {
    identity: [{ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "*", Resource: "*" }] }],
    session: [compiled.value.document],
    boundary: null,
    scp: null,
    resource: null,
  };
  const lines = requests.map((request, id) => `${JSON.stringify({ id, request, policies })}\n`);
  return {
    compileMicroseconds: 1_000_000 / compiles,
    compileWithParametersMicroseconds: 1_000_000 / withParameters,
    decisionsPerSecond: decisions,
    simulatedPerSecond: await simulated(lines, milliseconds),
  };
}

/** The same lines again and again, in chunks as a pipe hands them over. */
async function simulated(lines: readonly string[], milliseconds: number): Promise<number> {
  const chunk = Buffer.from(lines.join("").repeat(8));
  const counts = { lines: 0, errors: 0 };
  const run = async (until: number): Promise<void> => {
    async function* chunks(): AsyncGenerator<Buffer> {
      while (performance.now() < until) yield chunk;
    }
    for await (const answers of simulateChunks(chunks(), counts)) if (answers === "") break;
  };
  await run(performance.now() + milliseconds / 10);
  counts.lines = 0;
  const start = performance.now();
  await run(start + milliseconds);
  if (counts.errors > 0) throw new Error(`${counts.errors} lines had an error`);
  return (counts.lines * 1000) / (performance.now() - start);
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
