/**
 * What every floor must hold. A security team may put more on its floor, never less: these are the ways out of
 * any fence. One table, each row with its reason, which ends the sentence "it …".
 */
const HOPS = "hands out credentials that the session policy does not follow";
const MARKS = "sets the tags and the identity by which AI sessions are known";
const RIGHTS = "changes who may do what";

export const MINIMUM_FLOOR: readonly { readonly action: string; readonly reason: string }[] = [
  { action: "sts:AssumeRole*", reason: HOPS },
  { action: "sts:AssumeRoot", reason: HOPS },
  { action: "sts:GetFederationToken", reason: HOPS },
  { action: "sts:GetSessionToken", reason: HOPS },
  { action: "sts:GetDelegatedAccessToken", reason: HOPS },
  { action: "sts:GetWebIdentityToken", reason: HOPS },
  { action: "sts:TagSession", reason: MARKS },
  { action: "sts:SetSourceIdentity", reason: MARKS },
  { action: "iam:Create*", reason: RIGHTS },
  { action: "iam:Update*", reason: RIGHTS },
  { action: "iam:Delete*", reason: RIGHTS },
  { action: "iam:Put*", reason: RIGHTS },
  { action: "iam:Attach*", reason: RIGHTS },
  { action: "iam:Detach*", reason: RIGHTS },
  { action: "iam:Add*", reason: RIGHTS },
  { action: "iam:Remove*", reason: RIGHTS },
  { action: "iam:Set*", reason: RIGHTS },
  { action: "iam:Tag*", reason: RIGHTS },
  { action: "iam:Untag*", reason: RIGHTS },
  { action: "iam:Upload*", reason: RIGHTS },
  { action: "iam:Enable*", reason: RIGHTS },
  { action: "iam:Deactivate*", reason: RIGHTS },
  { action: "iam:Reset*", reason: RIGHTS },
  { action: "iam:ChangePassword", reason: RIGHTS },
  { action: "organizations:*", reason: "changes or removes the policies of whole accounts" },
  { action: "account:*", reason: "changes or closes the account itself" },
  { action: "tag:*", reason: "changes the tags of any service, and with them what is production" },
  { action: "cloudformation:CreateResource", reason: "carries neither tags nor ARNs that could be fenced" },
  { action: "cloudformation:UpdateResource", reason: "carries neither tags nor ARNs that could be fenced" },
  { action: "cloudformation:DeleteResource", reason: "carries neither tags nor ARNs that could be fenced" },
];
