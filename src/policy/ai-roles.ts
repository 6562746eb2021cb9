/**
 * The AI roles of one account as they must be: who may assume each, what bounds it, how long a session lives. Pure.
 * `infra/` deploys them, the demo stands on them and `twokey doctor` compares an account with them.
 */
import { err, ok, type Result } from "../result.ts";
import {
  boundaryOf,
  nonProductionRoles,
  templatesOf,
  type Boundary,
  type BoundaryFault,
} from "./boundary.ts";
import type { PolicyDocument } from "./iam/types.ts";
import { AI_PRINCIPAL, brokerTrust, CLOUDFORMATION_TRUST, TRUST_POLICY_LIMIT } from "./role-trust.ts";
import type { ServedPolicy } from "./serve.ts";
import { ROLE_NAMES, TEMPLATE_ROLES, type Account, type TemplateRole } from "./set.ts";

export interface AiRole {
  readonly name: TemplateRole;
  readonly arn: string;
  /** Who may assume it, and with which tags. */
  readonly trust: PolicyDocument;
  /** One managed policy: what the role may do, and its boundary. */
  readonly boundary: BoundaryPolicy;
  /** The role's MaxSessionDuration, in seconds. */
  readonly maxSessionSeconds: number;
  readonly tags: Readonly<Record<string, string>>;
}

export interface BoundaryPolicy extends Boundary {
  readonly name: string;
  readonly path: string;
  readonly arn: string;
}

export interface AiRoleFault {
  readonly role: TemplateRole;
  readonly message: string;
  readonly fix: string;
}

/** IAM path of the boundaries: apart from what `policy publish` keeps, which never changes a policy in place. */
export const BOUNDARY_PATH = "/twokey/boundary/";
/** What IAM takes at least, and what a broker that runs on a role can ask for at most. */
const ONE_HOUR = 3600;

/** `brokerArn`: the IAM role or user the broker runs as. In the order observer, operator, escalated, stack_service. */
export function aiRoles(
  served: Pick<ServedPolicy, "templates">,
  account: Account,
  brokerArn: string,
): Result<readonly AiRole[], readonly AiRoleFault[]> {
  const faults: AiRoleFault[] = [];
  const roles = TEMPLATE_ROLES.flatMap((name) => {
    const bounded = boundaryOf(templatesOf(served, name, account), account);
    if (!bounded.ok) {
      faults.push({ role: name, ...inWords(bounded.error, name) });
      return [];
    }
    return arnsOf(account, name).map((arn) => describe(name, arn, bounded.value, { account, brokerArn }));
  });
  for (const { name, trust } of roles) {
    const size = JSON.stringify(trust).length;
    if (size <= TRUST_POLICY_LIMIT) continue;
    const message = `its trust policy takes ${size} characters, and IAM takes ${TRUST_POLICY_LIMIT}`;
    faults.push({ role: name, message, fix: "shorten external_id in accounts.yaml" });
  }
  return faults.length > 0 ? err(faults) : ok(roles);
}

/** Environments outside production may each pin a role of their own; all are bounded alike. */
function arnsOf(account: Account, name: TemplateRole): readonly string[] {
  if (name !== "stack_service") return [account.roles[name]];
  return nonProductionRoles(account);
}

function describe(
  name: TemplateRole,
  arn: string,
  boundary: Boundary,
  { account, brokerArn }: { readonly account: Account; readonly brokerArn: string },
): AiRole {
  const trusted = ROLE_NAMES.find((role) => role === name);
  const own = arn.slice(arn.lastIndexOf("/") + 1);
  return {
    name,
    arn,
    trust:
      trusted === undefined
        ? CLOUDFORMATION_TRUST
        : brokerTrust(trusted, { brokerArn, externalId: account.externalId }),
    boundary: {
      ...boundary,
      name: own,
      path: BOUNDARY_PATH,
      arn: `${arn.slice(0, arn.indexOf(":role/"))}:policy${BOUNDARY_PATH}${own}`,
    },
    maxSessionSeconds: ONE_HOUR,
    // CloudFormation's sessions carry the role's tags and no others: this is how an SCP knows them for an AI's.
    tags: trusted === undefined ? { "twokey:principal": AI_PRINCIPAL } : {},
  };
}

/** For people: what is wrong with the templates of a role, taken together. */
export function inWords(
  fault: BoundaryFault,
  role: TemplateRole,
): { readonly message: string; readonly fix: string } {
  switch (fault.reason) {
    case "no_template":
      return {
        message: `no template is of the role \`${role}\`, so nothing says what bounds it`,
        fix: `write a template with role: ${role}; \`twokey init\` writes one`,
      };
    case "nothing_allowed":
      return { message: `the templates of the role \`${role}\` allow nothing`, fix: "look at their `allow`" };
    case "no_service_role":
      return {
        message: `no service role is pinned for ${fault.environment}`,
        fix: "add it to service_roles in accounts.yaml",
      };
    case "fences_differ": {
      const actions = fault.of.map(({ action, templates }) => `${action} (${templates.join(", ")})`);
      return {
        message: `the role's templates fence these differently, and one boundary cannot hold both: ${actions.join("; ")}`,
        fix: "write the statements alike, or move one template to another role",
      };
    }
    case "boundary_too_large":
      return {
        message: `the templates of the role \`${role}\` together take ${fault.size} characters, and a boundary takes ${fault.limit}`,
        fix: "allow fewer actions, or move a template to another role",
      };
  }
}
