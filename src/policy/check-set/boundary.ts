/**
 * Whether the templates of one role fit the boundary that `infra/` puts around it: its size, and that it permits what
 * each template expects to be allowed. A template alone may be sound and yet not live beside another.
 */
import { inWords } from "../ai-roles.ts";
import { boundaryOf, templatesOf, type Boundary } from "../boundary.ts";
import { guardInWords, organizationGuard } from "../organization-guard.ts";
import { roleArnOf } from "../role-arn.ts";
import type { PreparedTemplate } from "../prepare.ts";
import { TEMPLATE_ROLES, type Account, type PolicySet, type TemplateRole } from "../set.ts";
import { accountOf, askExpectation, askSession } from "./expectations.ts";
import type { Finding } from "./finding.ts";

export function boundaryFindings(
  templates: ReadonlyMap<string, PreparedTemplate>,
  set: PolicySet,
): readonly Finding[] {
  const ofRoles = TEMPLATE_ROLES.flatMap((role) =>
    set.accounts.flatMap((account) =>
      inAccount(templatesOf({ templates }, role, account), role, { account, set }),
    ),
  );
  return [...ofRoles, ...(ofRoles.length > 0 ? [] : ofOrganization(templates, set))];
}

/** A warning: not everybody has an organisation. */
function ofOrganization(
  templates: ReadonlyMap<string, PreparedTemplate>,
  set: PolicySet,
): readonly Finding[] {
  const guard = organizationGuard({ set, templates }, { brokers: [], deployers: [] });
  if (guard.ok || guard.error.reason === "no_template") return [];
  return [{ level: "warning", file: "guardrails.yaml", path: [], ...guardInWords(guard.error) }];
}

function inAccount(
  members: readonly PreparedTemplate[],
  role: TemplateRole,
  { account, set }: { readonly account: Account; readonly set: PolicySet },
): readonly Finding[] {
  const [first] = members;
  // A role without templates is no fault of the set's: nobody uses it.
  if (first === undefined) return [];
  const boundary = boundaryOf(members, account);
  if (boundary.ok) return members.flatMap((member) => denied(member, boundary.value, { account, set }));
  // A session too large for one document is split; a role's boundary cannot be. It can be served all the same, and is
  // refused where it is deployed.
  const level = boundary.error.reason === "boundary_too_large" ? "warning" : "fault";
  return [{ level, file: first.template.file, path: ["role"], ...inWords(boundary.error, role) }];
}

function denied(
  prepared: PreparedTemplate,
  { document }: Boundary,
  { account, set }: { readonly account: Account; readonly set: PolicySet },
): readonly Finding[] {
  const { template } = prepared;
  const role = roleArnOf(account, template.role);
  return template.expect.flatMap((expectation, index): readonly Finding[] => {
    if (expectation.decision !== "allowed" || accountOf(expectation, template, set) !== account) return [];
    // What its own session does not allow is a fault already.
    const session = askExpectation(prepared, expectation, account);
    if (!session.ok || session.value.decision !== "allowed") return [];
    const answer = askSession([document], expectation, { account, role, layer: "boundary" });
    if (answer.ok && answer.value.decision === "allowed") return [];
    const why = answer.ok ? answer.value.reason : answer.error;
    return [
      {
        level: "fault",
        file: template.file,
        path: ["expect", index, "decision"],
        message: `"${expectation.title}": the boundary of the role \`${template.role}\` does not allow it (${why})`,
        fix: "another template of the role says something narrower of this action: write both alike",
      },
    ];
  });
}
