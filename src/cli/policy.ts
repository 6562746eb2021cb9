/**
 * `twokey policy …`: the security team's commands on a policy folder. Finds the verb and loads its file alone;
 * does no work itself.
 */
import { Command } from "commander";
import { withVerbs, type Verbs } from "./verbs.ts";

const VERBS: Verbs = {
  check: {
    summary: "check every file of a policy folder",
    load: async () => (await import("./policy/check.ts")).checkCommand(),
  },
  explain: {
    summary: "say in plain words what a template's session may do",
    load: async () => (await import("./policy/explain.ts")).explainCommand(),
  },
  compile: {
    summary: "print the session policy a template becomes",
    load: async () => (await import("./policy/compile.ts")).compileCommand(),
  },
  simulate: {
    summary: "decide requests, JSON lines in and out",
    load: async () => (await import("./policy/simulate.ts")).simulateCommand(),
  },
  diff: {
    summary: "tell what one policy folder allows more and less than another",
    load: async () => (await import("./policy/diff.ts")).diffCommand(),
  },
  prove: {
    summary: "prove that no session can change production, or show the request that can",
    load: async () => (await import("./policy/prove.ts")).proveCommand(),
  },
  coverage: {
    summary: "count AWS's destructive actions by what stands before them",
    load: async () => (await import("./policy/coverage.ts")).coverageCommand(),
  },
  publish: {
    summary: "publish the managed policies that sessions refer to",
    load: async () => (await import("./policy/publish.ts")).publishCommand(),
  },
  schema: {
    summary: "print JSON Schemas of the policy files, for an editor",
    load: async () => (await import("./policy/schema.ts")).schemaCommand(),
  },
  init: {
    summary: "write a template to start from, or one that covers what a CloudTrail file shows",
    load: async () => (await import("./policy/init.ts")).initCommand(),
  },
};

export function policyCommand(argv: readonly string[]): Promise<Command> {
  const policy = new Command("policy").description("the security team's commands on a policy folder");
  return withVerbs(policy, VERBS, argv);
}
