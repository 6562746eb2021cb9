/**
 * The settings of people's sign-in by OIDC. The client's secret becomes a Secret here, at once; no fault quotes a
 * value.
 */
import { z } from "zod";
import { Secret } from "../session/credentials.ts";

export interface OidcConfig {
  /** The exact `iss`. */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: Secret;
  /** Claim of the ID token that lists a person's groups; null: groups come from people.yaml alone. */
  readonly groupsClaim: string | null;
  /** What the button says. */
  readonly label: string;
}

/** Rows of the table in config.ts. No flags: command lines are seen by everyone on a machine. */
export const OIDC_SETTINGS = {
  oidcIssuer: {
    key: "oidc_issuer",
    env: "TWOKEY_OIDC_ISSUER",
    flag: null,
    help: "OpenID Connect issuer that people sign in with; without it they use an invitation and a passkey",
    fallback: null,
  },
  oidcClientId: {
    key: "oidc_client_id",
    env: "TWOKEY_OIDC_CLIENT_ID",
    flag: null,
    help: "the broker's client id at the issuer",
    fallback: null,
  },
  oidcClientSecret: {
    key: "oidc_client_secret",
    env: "TWOKEY_OIDC_CLIENT_SECRET",
    flag: null,
    help: "the client's secret",
    fallback: null,
  },
  oidcGroupsClaim: {
    key: "oidc_groups_claim",
    env: "TWOKEY_OIDC_GROUPS_CLAIM",
    flag: null,
    help: "claim of the ID token that lists a person's groups, besides those of people.yaml",
    fallback: null,
  },
  oidcLabel: {
    key: "oidc_label",
    env: "TWOKEY_OIDC_LABEL",
    flag: null,
    help: "what the sign-in button says",
    fallback: null,
  },
} as const;

const LABEL = "Sign in with single sign-on";

const word = (max: number) =>
  z.string().regex(new RegExp(`^[\\x21-\\x7e]{1,${max}}$`), { error: `is 1 to ${max} visible characters` });

export const OIDC_SCHEMA = {
  oidcIssuer: z
    .string()
    .refine((text) => URL.canParse(text) && isIssuer(new URL(text)), {
      error: "is a URL with https, without user, query and fragment",
    })
    .nullable(),
  oidcClientId: word(256).nullable(),
  oidcClientSecret: word(1024)
    .transform((text) => new Secret(text))
    .nullable(),
  oidcGroupsClaim: word(256).nullable(),
  oidcLabel: z
    .string()
    .regex(/^[^\p{C}]{1,60}$/u, { error: "is 1 to 60 characters" })
    .nullable(),
};

const isIssuer = ({ protocol, username, password, search, hash }: URL): boolean =>
  ["https:", "http:"].includes(protocol) && username + password + search + hash === "";

type Name = keyof typeof OIDC_SETTINGS;
type Values = Readonly<Partial<Record<Name, string | null>>>;

const NEEDED = ["oidcIssuer", "oidcClientId", "oidcClientSecret"] as const;

/** Settings that stand without the ones they need, and an issuer in clear. */
export function oidcFaults(values: Values, dangerouslyAllowLoopbackHttpIssuers: boolean): readonly string[] {
  const names = Object.keys(OIDC_SETTINGS) as Name[];
  const first = names.find((name) => (values[name] ?? null) !== null);
  if (first === undefined) return [];
  const missing = NEEDED.filter((name) => (values[name] ?? null) === null);
  const faults = missing.map(
    (name) => `${OIDC_SETTINGS[name].env}: is needed with ${OIDC_SETTINGS[first].env}`,
  );
  const issuer = values.oidcIssuer ?? "";
  if (!URL.canParse(issuer) || new URL(issuer).protocol !== "http:") return faults;
  const allowed =
    dangerouslyAllowLoopbackHttpIssuers &&
    ["127.0.0.1", "[::1]", "localhost"].includes(new URL(issuer).hostname);
  return allowed ? faults : [...faults, `${OIDC_SETTINGS.oidcIssuer.env}: is a URL with https`];
}

/** `data`: parsed by OIDC_SCHEMA, and without oidcFaults. Null: people sign in with their passkeys. */
export function oidcConfig(data: {
  readonly [K in Name]: z.output<(typeof OIDC_SCHEMA)[K]>;
}): OidcConfig | null {
  const { oidcIssuer: issuer, oidcClientId: clientId, oidcClientSecret: clientSecret } = data;
  if (issuer === null || clientId === null || clientSecret === null) return null;
  const label = data.oidcLabel ?? LABEL;
  return Object.freeze({ issuer, clientId, clientSecret, groupsClaim: data.oidcGroupsClaim, label });
}
