/**
 * What a person's browser may do besides looking at pages: every action as one row, with who may call it and the body
 * it takes. `person`: somebody signed in. `invited`: the same, or whoever opened an invitation. `anybody`: nobody need
 * be known. A decision is made by `POST /v1/decisions` and by no other route.
 */
import type { z } from "@hono/zod-openapi";
import type { Failure } from "../failure.ts";
import type { Broker } from "../flows/admit.ts";
import type { PersonCall, Viewer } from "../flows/admit-person.ts";
import { askDecision } from "../flows/ask-decision.ts";
import { bootstrap } from "../flows/bootstrap.ts";
import { askConfirmation } from "../flows/confirm.ts";
import { decideEscalation } from "../flows/decide-escalation.ts";
import { askEnrolment, enrolPasskey, removePasskey } from "../flows/enrol-passkey.ts";
import { freezeByPerson, thawByPerson } from "../flows/freeze-by.ts";
import { acceptInvitation, invite } from "../flows/invite.ts";
import { askSignIn, signInByPasskey, signOut, signOutPerson } from "../flows/sign-in.ts";
import { ok, type Result } from "../result.ts";
import { noCookie, SIGN_IN_COOKIE, signInCookie } from "./cookie.ts";
import { frozenAnswer, targetOf } from "./freeze-routes.ts";
import { BODIES } from "./human-schemas.ts";
import { ownPath } from "./own-path.ts";
import { faultsOf, invalid } from "./schemas.ts";

export interface ActionAnswer {
  readonly body: object;
  /** A Set-Cookie header. */
  readonly cookie?: string;
}

export interface Action {
  readonly caller: "person" | "invited" | "anybody";
  readonly path: string;
  readonly summary: string;
  /** `viewer` is null for `anybody` alone. A body that does not read is `err` without having done anything. */
  readonly read: (
    unverifiedBody: unknown,
  ) => Result<
    (broker: Broker, viewer: Viewer | null, call: PersonCall) => Promise<Result<ActionAnswer, Failure>>,
    Failure
  >;
}

type Answer = Promise<Result<ActionAnswer, Failure>>;

interface Words<Body> {
  readonly path: string;
  readonly summary: string;
  readonly body: z.ZodType<Body>;
}

function readBody<Body>(schema: z.ZodType<Body>, unverifiedBody: unknown): Result<Body, Failure> {
  const body = schema.safeParse(unverifiedBody);
  return body.success ? ok(body.data) : invalid(faultsOf(body.error.issues, ""));
}

function anybody<Body>(
  { path, summary, body: schema }: Words<Body>,
  handle: (broker: Broker, call: PersonCall, body: Body) => Answer,
): Action {
  const read: Action["read"] = (unverifiedBody) => {
    const body = readBody(schema, unverifiedBody);
    return body.ok ? ok((broker, _viewer, call) => handle(broker, call, body.value)) : body;
  };
  return { caller: "anybody", path, summary, read };
}

function signedIn<Body>(
  { caller, path, summary, body: schema }: Words<Body> & { readonly caller: "person" | "invited" },
  handle: (broker: Broker, viewer: Viewer, call: PersonCall, body: Body) => Answer,
): Action {
  const read: Action["read"] = (unverifiedBody) => {
    const body = readBody(schema, unverifiedBody);
    if (!body.ok) return body;
    return ok((broker, viewer, call) => {
      if (viewer === null) throw new Error(`${path} was served without a sign-in`);
      return handle(broker, viewer, call, body.value);
    });
  };
  return { caller, path, summary, read };
}

const json = <T>(result: Result<T, Failure>, body: (value: T) => object): Result<ActionAnswer, Failure> =>
  result.ok ? ok({ body: body(result.value) }) : result;

export const ACTIONS: readonly Action[] = [
  anybody(
    { path: "/v1/sign-in/passkey/options", summary: "What a passkey signs to sign in", body: BODIES.nothing },
    async (broker) => ok({ body: await askSignIn(broker) }),
  ),
  anybody(
    { path: "/v1/sign-in/passkey", summary: "Sign in by passkey", body: BODIES.signIn },
    async (broker, call, { nonce, assertion, next }) => {
      const cookie = await signInByPasskey(broker, call, { nonce, assertion });
      if (!cookie.ok) return cookie;
      return ok({ body: { next: ownPath(next) }, cookie: signInCookie(cookie.value) });
    },
  ),
  anybody({ path: "/v1/sign-out", summary: "Sign out", body: BODIES.nothing }, async (broker, call) => {
    await signOut(broker, call);
    return ok({ body: { next: "/sign-in" }, cookie: noCookie(SIGN_IN_COOKIE) });
  }),
  anybody(
    { path: "/v1/invitations/accept", summary: "Open an invitation", body: BODIES.accept },
    async (broker, call, { token }) => {
      const cookie = await acceptInvitation(broker, call, token);
      if (!cookie.ok) return cookie;
      return ok({ body: { next: "/passkeys" }, cookie: signInCookie(cookie.value) });
    },
  ),
  anybody(
    { path: "/v1/bootstrap", summary: "Let the first administrator in", body: BODIES.bootstrap },
    async (broker, call, body) =>
      json(await bootstrap(broker, call, body), (link) => ({ url: link.reveal() })),
  ),
  signedIn(
    {
      caller: "person",
      path: "/v1/confirmations",
      summary: "What a passkey signs to confirm",
      body: BODIES.confirm,
    },
    async (broker, viewer, call, { action }) =>
      json(await askConfirmation(broker, viewer, call, action), (asked) => asked),
  ),
  signedIn(
    {
      caller: "invited",
      path: "/v1/passkeys/options",
      summary: "What a new passkey signs",
      body: BODIES.askEnrolment,
    },
    async (broker, viewer, call, { confirmation }) =>
      json(await askEnrolment(broker, viewer, call, confirmation ?? null), (asked) => asked),
  ),
  signedIn(
    { caller: "invited", path: "/v1/passkeys", summary: "Enrol a passkey", body: BODIES.enrol },
    async (broker, viewer, call, body) => {
      const enrolled = await enrolPasskey(broker, viewer, call, body);
      if (!enrolled.ok) return enrolled;
      const { cookie } = enrolled.value;
      return ok({ body: { next: "/passkeys" }, ...(cookie !== null && { cookie: signInCookie(cookie) }) });
    },
  ),
  signedIn(
    { caller: "person", path: "/v1/passkeys/remove", summary: "Take a passkey away", body: BODIES.remove },
    async (broker, viewer, call, { credential_id: credentialId, confirmation }) =>
      json(await removePasskey(broker, viewer, call, { credentialId, confirmation }), () => ({})),
  ),
  signedIn(
    { caller: "person", path: "/v1/invitations", summary: "Invite a person", body: BODIES.person },
    async (broker, viewer, call, body) =>
      json(await invite(broker, viewer, call, body), ({ url, expiresAt }) => ({
        url: url.reveal(),
        expires_at: expiresAt.toISOString(),
      })),
  ),
  signedIn(
    {
      caller: "person",
      path: "/v1/people/sign-out",
      summary: "Sign a person out everywhere",
      body: BODIES.person,
    },
    async (broker, viewer, call, body) =>
      json(await signOutPerson(broker, viewer, call, body), (count) => ({ count })),
  ),
  signedIn(
    { caller: "person", path: "/v1/freezes/confirmed", summary: "Freeze", body: BODIES.freeze },
    async (broker, viewer, call, { target, ...body }) => {
      const order = { ...body, target: targetOf(target) };
      return json(await freezeByPerson(broker, viewer, call, order), (frozen) =>
        frozenAnswer(broker, frozen),
      );
    },
  ),
  signedIn(
    { caller: "person", path: "/v1/thaws", summary: "Thaw", body: BODIES.thaw },
    async (broker, viewer, call, { target, confirmation }) =>
      json(
        await thawByPerson(broker, viewer, call, { target: targetOf(target), confirmation }),
        ({ state }) => ({ state }),
      ),
  ),
  signedIn(
    {
      caller: "person",
      path: "/v1/decisions/options",
      summary: "What a passkey signs to decide",
      body: BODIES.askDecision,
    },
    async (broker, viewer, call, body) =>
      json(await askDecision(broker, viewer, call, body), (asked) => asked),
  ),
  signedIn(
    { caller: "person", path: "/v1/decisions", summary: "Decide an escalation", body: BODIES.decide },
    async (broker, viewer, call, body) => {
      const decided = await decideEscalation(broker, viewer, call, { ...body, reason: body.reason ?? null });
      return json(decided, ({ state, decisions, content }) => ({
        state,
        approvals: decisions.filter(({ verdict }) => verdict === "approve").length,
        quorum: content.rule.quorum,
      }));
    },
  ),
];
