/**
 * What each form of the pages does. A form names its ceremony and carries its facts in data- attributes; every change
 * is signed by a passkey in the same breath, so a stray click ends at the passkey's own prompt.
 */
import {
  startAuthentication,
  startRegistration,
  type PublicKeyCredentialCreationOptionsJSON,
  type PublicKeyCredentialRequestOptionsJSON,
} from "@simplewebauthn/browser";
import { call, needText, Refused } from "./call.ts";

export interface Done {
  /** Where to go now, or null to stay. */
  readonly next: string | null;
  readonly words: string;
  /** A link to hand on, shown beside the form. */
  readonly link?: string;
}

type Ceremony = (form: HTMLFormElement, fields: FormData) => Promise<Done>;

export const CEREMONIES: Readonly<Record<string, Ceremony>> = {
  "sign-in": async (form) => {
    const { nonce, assertion } = await assert("/v1/sign-in/passkey/options", {});
    const answer = await call("/v1/sign-in/passkey", { nonce, assertion, next: fact(form, "next") });
    return { next: needText(answer, "next"), words: "Signed in." };
  },

  "sign-out": async () => {
    const answer = await call("/v1/sign-out", {});
    return { next: needText(answer, "next"), words: "Signed out." };
  },

  "accept-invitation": async () => {
    const token = location.hash.slice(1);
    if (token === "") throw new Refused("The link is not whole: ask for it again, and open all of it.");
    const answer = await call("/v1/invitations/accept", { token });
    return { next: needText(answer, "next"), words: "Accepted." };
  },

  bootstrap: async (_form, fields) => {
    const body = { token: field(fields, "token"), person: field(fields, "person") };
    const answer = await call("/v1/bootstrap", body);
    return { next: null, words: "Here is your invitation link.", link: needText(answer, "url") };
  },

  enrol: async (form, fields) => {
    // Anything but a plain "no" asks for the existing key: the broker decides in the end.
    const confirmation = fact(form, "confirmation") === "no" ? undefined : await confirm("enrol");
    const options = await call("/v1/passkeys/options", { confirmation });
    const registration = await startRegistration({
      optionsJSON: options["publicKey"] as PublicKeyCredentialCreationOptionsJSON,
    });
    const nonce = needText(options, "nonce");
    const answer = await call("/v1/passkeys", { nonce, registration, label: field(fields, "label") });
    return { next: needText(answer, "next"), words: "The passkey was added." };
  },

  "remove-passkey": async (form) => {
    const credential = fact(form, "credential");
    const confirmation = await confirm(`remove ${credential}`);
    await call("/v1/passkeys/remove", { credential_id: credential, confirmation });
    return { next: null, words: "The passkey was removed." };
  },

  invite: async (form) => {
    const person = fact(form, "person");
    const confirmation = await confirm(`invite ${person}`);
    const answer = await call("/v1/invitations", { person, confirmation });
    return {
      next: null,
      words: "The invitation link is ready. Hand it to that person and nobody else.",
      link: needText(answer, "url"),
    };
  },

  "sign-out-person": async (form) => {
    const person = fact(form, "person");
    const confirmation = await confirm(`sign-out ${person}`);
    await call("/v1/people/sign-out", { person, confirmation });
    return { next: null, words: `${person} was signed out everywhere.` };
  },

  freeze: async (form, fields) => {
    const target = targetOf(form, fields);
    const confirmation = await confirm(`freeze ${wordsOf(target)}`);
    await call("/v1/freezes/confirmed", { target, reason: field(fields, "reason"), confirmation });
    return { next: null, words: `Frozen: ${wordsOf(target)}. The table says how far AWS is.` };
  },

  thaw: async (form, fields) => {
    const target = targetOf(form, fields);
    const confirmation = await confirm(`thaw ${wordsOf(target)}`);
    const answer = await call("/v1/thaws", { target, confirmation });
    const first = needText(answer, "state") === "first_key";
    const words = first
      ? "Your key lies there. Another administrator turns the second one, within the hour."
      : `Thawed: ${wordsOf(target)}.`;
    return { next: null, words };
  },

  decide: async (form, fields) => {
    const [escalation, verdict] = [fact(form, "escalation"), fact(form, "verdict")];
    const options = { escalation, digest: fact(form, "digest"), verdict };
    const { nonce, assertion } = await assert("/v1/decisions/options", options);
    const reason = verdict === "deny" ? field(fields, "reason") : undefined;
    await call("/v1/decisions", { escalation, verdict, nonce, assertion, reason });
    return {
      next: null,
      words: verdict === "deny" ? "Your denial is recorded." : "Your approval is recorded.",
    };
  },
};

/** What is frozen or thawed: named by the form, or chosen in it. */
interface Target {
  readonly kind: string;
  readonly name?: string;
}

function targetOf(form: HTMLFormElement, fields: FormData): Target {
  const kind = fact(form, "kind");
  if (kind === "all") return { kind };
  const name = form.dataset["name"] ?? field(fields, "name");
  if (name === "") throw new Refused("Choose what is to be frozen first.");
  return { kind, name };
}

const wordsOf = ({ kind, name }: Target): string => (name === undefined ? kind : `${kind} ${name}`);

interface Signed {
  readonly nonce: string;
  readonly assertion: unknown;
}

async function confirm(action: string): Promise<Signed> {
  return assert("/v1/confirmations", { action });
}

async function assert(path: string, body: object): Promise<Signed> {
  const options = await call(path, body);
  const assertion = await startAuthentication({
    optionsJSON: options["publicKey"] as PublicKeyCredentialRequestOptionsJSON,
  });
  return { nonce: needText(options, "nonce"), assertion };
}

function fact(form: HTMLFormElement, name: string): string {
  const value = form.dataset[name];
  if (value === undefined) throw new Error(`the form has no data-${name}`);
  return value;
}

function field(fields: FormData, name: string): string {
  const value = fields.get(name);
  return typeof value === "string" ? value.trim() : "";
}
