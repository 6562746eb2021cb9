/**
 * The two cookies of a browser: its sign-in, and the OIDC login under way. `__Host-` cookies are this host's own, whole
 * path, https only (browsers count localhost as safe): no other host can set them.
 */
import type { IncomingMessage } from "node:http";
import type { Secret } from "../session/credentials.ts";

export const SIGN_IN_COOKIE = "__Host-twokey";
/** Binds an OIDC callback to the browser that asked for it. */
export const LOGIN_COOKIE = "__Host-twokey-login";

// Lax: the provider's redirect back to us must bring it along. A POST of another site brings neither.
const ATTRIBUTES = "Path=/; Secure; HttpOnly; SameSite=Lax";
const LOGIN_SECONDS = 600;

const VALUE = /^[A-Za-z0-9_.-]{1,128}$/;

/** Null where there is none, or more than one: nobody can tell which of two is ours. */
export function readCookie(incoming: IncomingMessage, name: string): string | null {
  const values = (incoming.headers.cookie ?? "")
    .split(";")
    .map((pair) => pair.trim())
    .filter((pair) => pair.startsWith(`${name}=`))
    .map((pair) => pair.slice(name.length + 1));
  const [value, another] = values;
  return value === undefined || another !== undefined || !VALUE.test(value) ? null : value;
}

/** Gone with the browser; the broker ends it earlier. */
export const signInCookie = (value: Secret): string => `${SIGN_IN_COOKIE}=${value.reveal()}; ${ATTRIBUTES}`;

export const loginCookie = (value: Secret): string =>
  `${LOGIN_COOKIE}=${value.reveal()}; Max-Age=${LOGIN_SECONDS}; ${ATTRIBUTES}`;

export const noCookie = (name: string): string => `${name}=; Max-Age=0; ${ATTRIBUTES}`;
