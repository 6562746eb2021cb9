/**
 * What every flow a human starts begins with: session cookie → account → the one person it is. A sign-in alone shows
 * pages; it changes nothing that matters without a fresh passkey.
 */
import { reasonOf, type Failure } from "../failure.ts";
import { personOf, withClaimedGroups, type HumanAccount } from "../identity/approver.ts";
import { secretDigest } from "../identity/browser-secret.ts";
import type { HumanContext, SignIn } from "../identity/human-store.ts";
import type { Person } from "../identity/registry.ts";
import { err, ok, type Result } from "../result.ts";
import type { Broker } from "./admit.ts";

/** One request of a human's browser. */
export interface PersonCall {
  readonly requestId: string;
  /** Method and path of the route: ours, never the client's spelling. */
  readonly route: string;
  /** What the session cookie held, or null. */
  readonly unverifiedSession: string | null;
  readonly stopping: AbortSignal;
}

/** Who is at the browser. */
export interface Viewer {
  /** With the groups of the OIDC provider. */
  readonly person: Person;
  readonly account: HumanAccount;
  readonly signIn: SignIn;
  readonly administrator: boolean;
  /** SHA-256, hex, of the cookie: names the sign-in. */
  readonly sessionDigest: string;
}

/** The refusal is recorded. An `invitation` sign-in is no viewer: it can enrol its passkey and nothing else. */
export async function admitPerson(broker: Broker, call: PersonCall): Promise<Result<Viewer, Failure>> {
  const viewer = await identify(broker, call);
  if (!viewer.ok) return err(await refusePerson(broker, call, null, viewer.error));
  if (viewer.value.signIn.method !== "invitation") return viewer;
  const reason = "an invitation enrols its passkey and does nothing else";
  return err(await refusePerson(broker, call, viewer.value.person, { code: "sign_in_required", reason }));
}

/** The same, for what whoever was invited may do as well: see the passkeys, enrol one, sign out. */
export async function admitInvited(broker: Broker, call: PersonCall): Promise<Result<Viewer, Failure>> {
  const viewer = await identify(broker, call);
  return viewer.ok ? viewer : err(await refusePerson(broker, call, null, viewer.error));
}

async function identify(broker: Broker, call: PersonCall): Promise<Result<Viewer, Failure>> {
  if (call.unverifiedSession === null) return signInRequired("no cookie");
  const sessionDigest = secretDigest(call.unverifiedSession);
  const read = await readSignIn(broker, sessionDigest);
  if (!read.ok) return read;
  const { signIn, people } = read.value;
  if (signIn === null) return signInRequired("the sign-in is unknown, over or revoked");
  const { account } = signIn;
  const person = personOf(account, people);
  if (person === null) return err({ code: "not_a_person", ...account });
  const administrator = isAdministrator(broker, person);
  return ok({ person, account, signIn, administrator, sessionDigest });
}

interface ReadSignIn {
  readonly signIn: SignIn | null;
  readonly people: readonly Person[];
}

async function readSignIn(broker: Broker, sessionDigest: string): Promise<Result<ReadSignIn, Failure>> {
  try {
    const [signIn, people] = await Promise.all([broker.humans.findSignIn(sessionDigest), peopleNow(broker)]);
    return ok({ signIn, people });
  } catch {
    return err({ code: "record_unavailable", step: "read" });
  }
}

const signInRequired = (reason: string): Result<never, Failure> => err({ code: "sign_in_required", reason });

/** Of people.yaml as it is served now, with the groups of the OIDC provider. */
export async function peopleNow(broker: {
  readonly policy: Broker["policy"];
  readonly humans: Pick<Broker["humans"], "memberships">;
}): Promise<readonly Person[]> {
  return withClaimedGroups(broker.policy.set.people, await broker.humans.memberships());
}

export const isAdministrator = (broker: Broker, person: Person): boolean =>
  person.groups.some((group) => broker.policy.set.administrators.includes(group));

/** For the entry of what a person did. */
export const contextOf = (broker: Broker, call: PersonCall, person: Person | null): HumanContext => ({
  requestId: call.requestId,
  policyVersion: broker.policy.set.digest,
  person: person?.id ?? null,
});

/** Records a refusal and returns what to answer: the failure itself, or that it could not be recorded. */
export async function refusePerson(
  broker: Broker,
  call: PersonCall,
  person: Person | null,
  failure: Failure,
  /** What it was about, where that is known. */
  escalation: string | null = null,
): Promise<Failure> {
  try {
    await broker.audit.append({
      kind: "human.refused",
      at: broker.clock(),
      requestId: call.requestId,
      agent: null,
      owner: null,
      person: person?.id ?? null,
      session: null,
      escalation,
      policyVersion: broker.policy.set.digest,
      detail: { route: call.route, code: failure.code, reason: reasonOf(failure) },
    });
    return failure;
  } catch {
    return { code: "record_unavailable", step: "entry" };
  }
}
