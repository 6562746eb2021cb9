/**
 * An entry of the record as an event of the Open Cybersecurity Schema Framework, version 1.3.0, for a SIEM: class 6003
 * (API Activity) or 3002 (Authentication), profile `cloud`. Pure. An event is a view and proves nothing; all that has no
 * attribute of its own is kept under `unmapped`.
 *
 * https://schema.ocsf.io/1.3.0/classes/api_activity, https://schema.ocsf.io/1.3.0/classes/authentication
 */
import type { StoredEntry } from "./entry.ts";
import { API, factsOf, LOGON, SEVERITY, STATUS, type Facts } from "./ocsf-kinds.ts";
import { entrySentence } from "./sentence.ts";

export const OCSF_VERSION = "1.3.0";

export type OcsfEvent = Readonly<Record<string, unknown>>;

const CLASSES = {
  api: {
    class_uid: 6003,
    class_name: "API Activity",
    category_uid: 6,
    category_name: "Application Activity",
  },
  authentication: {
    class_uid: 3002,
    class_name: "Authentication",
    category_uid: 3,
    category_name: "Identity & Access Management",
  },
} as const;

/** A kind of a later version: told as what it is, and not at all what it means. */
const UNKNOWN: Facts = {
  class: "api",
  activity: "other",
  operation: "unknown",
  status: "unknown",
  severity: "informational",
};

/** `version`: of the broker that makes the event. */
export function ocsfEvent(entry: StoredEntry, version: string): OcsfEvent {
  const known = factsOf(entry);
  const facts = known ?? { ...UNKNOWN, operation: entry.kind };
  const { class_uid, ...named } = CLASSES[facts.class];
  const activity_id = facts.class === "api" ? API[facts.activity] : LOGON[facts.activity];
  return {
    metadata: metadataOf(entry, version),
    time: entry.at.getTime(),
    class_uid,
    ...named,
    activity_id,
    ...(activity_id === API.other && facts.class === "api" && { activity_name: facts.operation }),
    type_uid: class_uid * 100 + activity_id,
    severity_id: SEVERITY[facts.severity],
    status_id: STATUS[facts.status],
    ...(facts.code !== undefined && { status_code: facts.code }),
    ...(facts.words !== undefined && { status_detail: facts.words }),
    ...(known !== null && { message: entrySentence(entry) }),
    cloud: cloudOf(facts),
    ...(facts.class === "api" ? apiOf(entry, facts) : authenticationOf(entry, facts)),
    unmapped: unmappedOf(entry),
  };
}

function metadataOf({ index, kind }: StoredEntry, version: string) {
  return {
    version: OCSF_VERSION,
    product: { name: "Twokey", vendor_name: "Twokey", version },
    profiles: ["cloud"],
    uid: String(index),
    sequence: index,
    event_code: kind,
    log_name: "audit",
  };
}

/** The account of `account`, or of the role's ARN. */
function cloudOf(facts: Facts) {
  const role = facts.class === "api" ? facts.role : undefined;
  const stated = facts.class === "api" ? facts.account : undefined;
  const uid = stated ?? role?.split(":")[4];
  return { provider: "AWS", ...(uid !== undefined && uid !== "" && { account: { uid } }) };
}

function apiOf(entry: StoredEntry, facts: Extract<Facts, { class: "api" }>) {
  const { operation, service, role, code, words } = facts;
  const failed = facts.status === "failure";
  const resources = [
    ...(role === undefined ? [] : [{ uid: role, type: "AWS::IAM::Role" }]),
    ...(entry.session === null ? [] : [{ uid: entry.session, type: "twokey session" }]),
    ...(entry.escalation === null ? [] : [{ uid: entry.escalation, type: "twokey escalation" }]),
  ];
  return {
    actor: actorOf(entry),
    api: {
      operation,
      service: { name: service ?? "twokey" },
      ...(entry.requestId !== null && { request: { uid: entry.requestId } }),
      ...(failed && {
        response: {
          ...(code !== undefined && { error: code }),
          ...(words !== undefined && { error_message: words }),
        },
      }),
    },
    // The record keeps no addresses; the broker is what every call came through.
    src_endpoint: { svc_name: "twokey" },
    ...(resources.length > 0 && { resources }),
  };
}

/** `auth_protocol_id` and its caption. A passkey has no number. */
const PROTOCOLS = {
  passkey: { auth_protocol_id: 99, auth_protocol: "WebAuthn" },
  oidc: { auth_protocol_id: 4, auth_protocol: "OpenID" },
  invitation: { auth_protocol_id: 99, auth_protocol: "Invitation" },
} as const;

function authenticationOf(entry: StoredEntry, facts: Extract<Facts, { class: "authentication" }>) {
  const { method, issuer, expiresAt } = facts;
  return {
    user: userOf(entry),
    service: { name: "twokey" },
    ...(method !== undefined && PROTOCOLS[method]),
    ...(issuer !== undefined && { session: { issuer, expiration_time: expiresAt?.getTime() } }),
  };
}

/** Where it was neither an agent nor a person it was the broker. */
function actorOf(entry: StoredEntry) {
  const anybody = entry.person ?? entry.agent;
  const refused = entry.kind === "request.refused" || entry.kind === "human.refused";
  return anybody === null && !refused ? { app_name: "twokey" } : { user: userOf(entry) };
}

function userOf({ person, agent }: StoredEntry) {
  // `type_id` 1: User, 99: Other, 0: Unknown.
  if (person !== null) return { uid: person, name: person, type_id: 1 };
  if (agent !== null) return { uid: agent, name: agent, type_id: 99, type: "AI agent" };
  return { name: "unknown", type_id: 0 };
}

function unmappedOf({ agent, owner, person, session, escalation, policyVersion, detail }: StoredEntry) {
  const named = { agent, owner, person, session, escalation, policy_version: policyVersion };
  const known = Object.entries(named).filter(([, value]) => value !== null);
  return { ...Object.fromEntries(known), detail };
}
