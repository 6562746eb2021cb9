/** What an editor shows beside each key of the security team's files. By file and key. */
export const HINTS: Readonly<Record<string, string>> = {
  "guardrails.environment.tag": "The tag key that says which environment a resource belongs to.",
  "guardrails.environment.non_production":
    "Tag values known NOT to be production. Every other value, and no tag at all, is production.",
  "guardrails.environment.non_production_arns":
    "ARN patterns known not to be production, for resources whose tags AWS does not honour in policies.",
  "guardrails.floor": "Actions no template may reach, whoever approves.",
  "accounts.accounts.region": "The region whose STS endpoint is used.",
  "accounts.accounts.external_id": "One of its own for each account: openssl rand -hex 16",
  "accounts.accounts.roles": "The roles sessions are made from; no two are the same.",
  "accounts.accounts.service_roles":
    "The role CloudFormation works with, by environment: production, and every value of non_production.",
  "people.people.identities": "Every account that is this person. No account is two people's.",
  "people.people.groups": "Your own words; approvals.yaml uses them.",
  "agents.issuers.audience": "The exact aud of its tokens: this broker.",
  "agents.issuers.max_age": "The oldest token accepted, counted from its iat.",
  "agents.agents.owner": "The person who answers for it, and who can never approve for it.",
  "agents.agents.subject":
    "Matches from end to end; * stands for one whole segment between : and /, never for a part of one.",
  "agents.agents.templates": "What this agent may ask for.",
  "approvals.administrators": "Groups whose members may invite people and take passkeys away.",
  "approvals.activation":
    "immediate: a changed folder is served at once. approval: only when its people approved it.",
  "approvals.activation_rule":
    "Who approves a changed policy set. The rule in force decides, never the new one.",
  "approvals.activation_rule.quorum": "How many different people must approve.",
  "approvals.activation_rule.pending": "How long a changed set waits for its decisions.",
  "approvals.rules.quorum": "How many different people must approve. The owner of the agent never counts.",
  "approvals.rules.pending": "How long a request waits for its decisions.",
  "approvals.rules.usable": "How long a grant waits for its one mint.",
  "template.name": "The file's name without .yaml.",
  "template.kind":
    "standing: given to an agent that asks. escalation: given once, after two people approved.",
  "template.role": "The AI role the session is made from; escalation templates use escalated.",
  "template.intent": "The most it serves: observe < change < destroy.",
  "template.accounts": "all, or a list of account ids in quotes.",
  "template.duration": "15m to 1h.",
  "template.parameters": "What varies from session to session; ${name} in Resource and Condition.",
  "template.exceptions": "Exceptions from the fence, stated by name.",
  "template.allow": "What is allowed, and nothing else: the compiler adds every Deny.",
  "template.allow.Action": "Changes are named one by one; a wildcard may stand for safe reads only.",
  "template.allow.Resource":
    "ARN patterns, with ${account}, ${region}, ${service_roles} and your parameters.",
  "template.expect": "Questions to the compiled session policy, with the answers you expect.",
  "template.expect.context": "The request's condition keys, such as aws:ResourceTag/environment.",
};
