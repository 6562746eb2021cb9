/**
 * SimulatePrincipalPolicy and SimulateCustomPolicy, through the evaluator that authorises real calls. As AWS answers
 * since it sums up: one result an action with the strictest decision of all resources, and each resource's below it.
 */
import { evaluate } from "../../policy/iam/evaluate.ts";
import type { ParsedPolicy } from "../../policy/iam/parse.ts";
import { actionMatches } from "../../policy/iam/statement.ts";
import type { Decision, Evaluation, EvaluationRequest } from "../../policy/iam/types.ts";
import { ok } from "../../result.ts";
import type { Answer, Call, Operation } from "../call.ts";
import { rolePolicies } from "../caller.ts";
import { type Answered, fault, missing } from "../fault.ts";
import { type Role, roleByArn, type User } from "../state.ts";
import type { XmlStructure } from "../xml.ts";
import { listAnswer, readText } from "./read.ts";
import { principalOf, readLevels, readSimulated, type Simulated, type Source } from "./simulated.ts";

export const simulateCustomPolicy: Operation = (call) =>
  ok({
    asks: [{ action: "iam:SimulateCustomPolicy", resource: "*" }],
    run: () => {
      const { parameters } = call;
      if (parameters.list("PolicyInputList") === undefined) return missing("policyInputList");
      if (parameters.text("ResourcePolicy") !== undefined && parameters.text("CallerArn") === undefined)
        return fault("InvalidInput", "CallerArn is required with a ResourcePolicy.");
      const scp = readLevels(parameters);
      if (!scp.ok) return scp;
      const { id } = call.caller.account;
      // Nobody is named, but a request needs somebody: a user that no policy can mean.
      const principal = { arn: `arn:aws:iam::${id}:user/simulated`, account: id };
      return answer(
        call,
        readSimulated(parameters, { principal, identity: [], boundary: null, scp: scp.value }),
      );
    },
  });

export const simulatePrincipalPolicy: Operation = (call) => {
  const arn = readText(call.parameters, "PolicySourceArn");
  if (!arn.ok) return arn;
  const role = roleByArn(call.world, arn.value);
  return ok({
    asks: [{ action: "iam:SimulatePrincipalPolicy", resource: arn.value, resourceTags: role?.tags ?? [] }],
    run: () => {
      const holder = holderOf(call, arn.value, role);
      return holder.ok ? answer(call, readSimulated(call.parameters, holder.value)) : holder;
    },
  });
};

type Holder = Pick<Simulated, "principal" | "identity" | "boundary" | "scp">;

/** A user or role of the caller's account: others are as if they were not there. */
function holderOf(call: Call, arn: string, role: Role | undefined): Answered<Holder> {
  const { account } = call.caller;
  const principal = principalOf(arn);
  if (!principal.ok) return principal;
  const base = { principal: principal.value, scp: account.scps };
  const user = [...account.users].find(([, candidate]) => candidate.arn === arn);
  if (user !== undefined) return ok({ ...base, identity: userSources(...user), boundary: null });
  if (role?.account !== account.id) return fault("NoSuchEntity", `The entity ${arn} cannot be found.`, 404);
  return ok({ ...base, identity: roleSources(call, role), boundary: rolePolicies(account, role).boundary });
}

const userSources = (name: string, user: User): readonly Source[] =>
  user.policies.map((policy, index) => ({ id: `user_${name}_${index}`, type: "user", policy }));

const roleSources = ({ caller }: Call, role: Role): readonly Source[] => [
  ...[...role.inline].map(([name, { parsed }]): Source => ({
    id: `role_${role.name}_${name}`,
    type: "role",
    policy: parsed,
  })),
  ...[...role.attached].flatMap((arn): readonly Source[] => {
    const policy = caller.account.policies.get(arn);
    return policy === undefined
      ? []
      : [{ id: policy.name, type: "user-managed", policy: policy.inForce.document.parsed }];
  }),
];

function answer(call: Call, simulated: Answered<Simulated>): Answered<Answer> {
  if (!simulated.ok) return simulated;
  return listAnswer(call, "EvaluationResults", simulated.value.actions, (action) =>
    resultXml(call, simulated.value, action),
  );
}

/** Strictest first. */
const STRICTEST: readonly Decision[] = ["explicitDeny", "implicitDeny", "allowed"];

function resultXml(call: Call, simulated: Simulated, action: string): XmlStructure {
  const resources = simulated.resources.length === 0 ? ["*"] : simulated.resources;
  const each = resources.map((resource) => judge(simulated, action, resource));
  const decision = STRICTEST.find((candidate) => each.some((one) => one.evaluation.decision === candidate));
  const lacking = missingKeys(simulated, action);
  const sources = each.filter((one) => one.evaluation.decision === decision).flatMap((one) => one.sources);
  return {
    EvalActionName: action,
    EvalResourceName: call.actions.action(action)?.resources[0]?.arn ?? "*",
    EvalDecision: decision,
    MatchedStatements: [...new Set(sources)].map(sourceXml),
    MissingContextValues: lacking,
    OrganizationsDecisionDetail:
      simulated.scp === null ? null : { AllowedByOrganizations: each.every((one) => one.organisation) },
    PermissionsBoundaryDecisionDetail: boundaryXml(
      simulated,
      each.every((one) => one.boundary),
    ),
    ResourceSpecificResults:
      simulated.resources.length === 0
        ? null
        : each.map((one) => ({
            EvalResourceName: one.resource,
            EvalResourceDecision: one.evaluation.decision,
            MatchedStatements: one.sources.map(sourceXml),
            MissingContextValues: lacking,
            PermissionsBoundaryDecisionDetail: boundaryXml(simulated, one.boundary),
          })),
  };
}

const boundaryXml = (simulated: Simulated, allowed: boolean): XmlStructure | null =>
  simulated.boundary === null ? null : { AllowedByPermissionsBoundary: allowed };

const sourceXml = (source: Source): XmlStructure => ({
  SourcePolicyId: source.id,
  SourcePolicyType: source.type,
});

interface Judgement {
  readonly resource: string;
  readonly evaluation: Evaluation;
  /** Of the identity and resource policies' statements that made the decision, one entry a statement. */
  readonly sources: readonly Source[];
  readonly boundary: boolean;
  readonly organisation: boolean;
}

function judge(simulated: Simulated, action: string, resource: string): Judgement {
  const { principal, identity, boundary, scp, context } = simulated;
  const account = /^arn:[^:]*:[^:]*:[^:]*:(\d{12}):/.exec(resource)?.[1] ?? simulated.owner;
  const request: EvaluationRequest = { principal, action, resource, resourceAccount: account, context };
  const evaluation = evaluate(request, {
    identity: identity.map(({ policy }) => policy),
    resource: simulated.resource?.policy ?? null,
    boundary,
    session: null,
    scp,
  });
  return {
    resource,
    evaluation,
    sources: evaluation.decision === "implicitDeny" ? [] : sourcesOf(simulated, evaluation),
    boundary: boundary === null || allows(request, boundary),
    organisation: scp === null || scp.every((level) => allows(request, level)),
  };
}

/** Whether these policies would let it through if they were all there is. */
const allows = (request: EvaluationRequest, policies: readonly ParsedPolicy[]): boolean =>
  evaluate(
    { ...request, resourceAccount: request.principal.account },
    { identity: policies, resource: null, boundary: null, session: null, scp: null },
  ).decision === "allowed";

const sourcesOf = ({ identity, resource }: Simulated, evaluation: Evaluation): readonly Source[] =>
  evaluation.matched.flatMap(({ layer, policy }) => {
    const source = layer === "identity" ? identity[Number(policy)] : layer === "resource" ? resource : null;
    return source ?? [];
  });

/** Every request has these, sent or not. */
const IMPLIED = new Set(["aws:principalarn", "aws:principalaccount", "aws:resourceaccount"]);

/** Keys that statements about this action name and the context lacks. */
function missingKeys({ identity, resource, context }: Simulated, action: string): readonly string[] {
  const sent = new Set(Object.keys(context).map((key) => key.toLowerCase()));
  const statements = [...identity, ...(resource === null ? [] : [resource])]
    .flatMap(({ policy }) => policy.statements)
    .filter((statement) => actionMatches(statement.action, action.toLowerCase()));
  const named = statements.flatMap((statement) => [
    ...statement.conditions.map(({ key }) => key),
    ...statement.variables.map(({ key }) => key),
  ]);
  const lacking = new Map(named.map((key) => [key.toLowerCase(), key]));
  return [...lacking].flatMap(([name, key]) => (sent.has(name) || IMPLIED.has(name) ? [] : [key]));
}
