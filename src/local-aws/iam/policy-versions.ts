/** The versions of IAM managed policies: at most five, of which one is in force. */
import { ok } from "../../result.ts";
import type { Answer, Call, Operation } from "../call.ts";
import { type Answered, fault } from "../fault.ts";
import type { ManagedPolicy, PolicyVersion } from "../state.ts";
import type { XmlStructure } from "../xml.ts";
import { onPolicy, readManaged } from "./policies.ts";
import { encodeDocument, listAnswer, readText } from "./read.ts";

const MOST_VERSIONS = 5;

/** As in AWS, lists leave the document out. */
const versionXml = (policy: ManagedPolicy, version: PolicyVersion, full: boolean): XmlStructure => ({
  Document: full ? encodeDocument(version.document.text) : null,
  VersionId: version.id,
  IsDefaultVersion: version === policy.inForce,
  CreateDate: version.createdAt,
});

export const createPolicyVersion = onPolicy("CreatePolicyVersion", (call, policy) => {
  const text = readText(call.parameters, "PolicyDocument");
  if (!text.ok) return text;
  const document = readManaged(text.value);
  if (!document.ok) return document;
  if (policy.versions.length >= MOST_VERSIONS)
    return fault(
      "LimitExceeded",
      `A managed policy can have up to ${MOST_VERSIONS} versions. Before you create a new version, you must delete an existing version.`,
      409,
    );
  policy.lastVersion += 1;
  const version = { id: `v${policy.lastVersion}`, document: document.value, createdAt: call.now };
  policy.versions.push(version);
  if (call.parameters.text("SetAsDefault") === "true") putInForce(call, policy, version);
  return ok({ result: { PolicyVersion: versionXml(policy, version, false) } });
});

function putInForce(call: Call, policy: ManagedPolicy, version: PolicyVersion): void {
  policy.inForce = version;
  policy.updatedAt = call.now;
}

const onVersion = (
  action: string,
  run: (call: Call, policy: ManagedPolicy, version: PolicyVersion) => Answered<Answer>,
): Operation =>
  onPolicy(action, (call, policy) => {
    const id = readText(call.parameters, "VersionId");
    if (!id.ok) return id;
    const version = policy.versions.find((candidate) => candidate.id === id.value);
    return version === undefined ? noVersion(policy, id.value) : run(call, policy, version);
  });

const noVersion = (policy: ManagedPolicy, id: string): Answered<never> =>
  fault("NoSuchEntity", `Policy ${policy.arn} version ${id} does not exist or is not attachable.`, 404);

export const getPolicyVersion = onVersion("GetPolicyVersion", (_, policy, version) =>
  ok({ result: { PolicyVersion: versionXml(policy, version, true) } }),
);

export const setDefaultPolicyVersion = onVersion("SetDefaultPolicyVersion", (call, policy, version) => {
  putInForce(call, policy, version);
  return ok({ result: null });
});

export const deletePolicyVersion = onVersion("DeletePolicyVersion", (_, policy, version) => {
  if (version === policy.inForce)
    return fault("DeleteConflict", "Cannot delete the default version of a policy.", 409);
  policy.versions.splice(policy.versions.indexOf(version), 1);
  return ok({ result: null });
});

export const listPolicyVersions = onPolicy("ListPolicyVersions", (call, policy) =>
  listAnswer(call, "Versions", [...policy.versions].reverse(), (version) =>
    versionXml(policy, version, false),
  ),
);
