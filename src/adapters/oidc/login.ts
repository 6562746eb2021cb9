/**
 * The port OidcLogin by openid-client: authorization code with PKCE, state and nonce, the ID token's signature checked
 * as well. Answers who the provider says it is; who that is here is the flows' business.
 */
import {
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  ClientError,
  discovery,
  enableNonRepudiationChecks,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
  AuthorizationResponseError,
  ResponseBodyError,
  type Configuration,
} from "openid-client";
import { z } from "zod";
import type { OidcLogin } from "../../identity/webauthn.ts";
import { err, ok } from "../../result.ts";
import type { Secret } from "../../session/credentials.ts";

export interface OidcLoginOptions {
  /** The exact `iss`. */
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: Secret;
  readonly groupsClaim: string | null;
  readonly label: string;
  readonly dangerouslyAllowLoopbackHttpIssuers: boolean;
}

const TIMEOUT_SECONDS = 10;

/** What `finish` needs of `start`; ours, kept by the store. */
const loginSchema = z.strictObject({ verifier: z.string(), state: z.string(), nonce: z.string() });

const groupsSchema = z.array(z.string().min(1).max(256)).max(500);

/** The provider is discovered at the first login, and again after a failure. */
export function createOidcLogin(options: OidcLoginOptions): OidcLogin {
  let found: Promise<Configuration> | null = null;
  const provider = (): Promise<Configuration> =>
    (found ??= discover(options).catch((error: unknown) => {
      found = null;
      throw error;
    }));
  return {
    label: options.label,
    start: async (redirectUri) => {
      const login = { verifier: randomPKCECodeVerifier(), state: randomState(), nonce: randomNonce() };
      const url = buildAuthorizationUrl(await provider(), {
        redirect_uri: redirectUri,
        response_type: "code",
        scope: "openid",
        state: login.state,
        nonce: login.nonce,
        code_challenge: await calculatePKCECodeChallenge(login.verifier),
        code_challenge_method: "S256",
      });
      return { url: url.href, state: login.state, login: JSON.stringify(login) };
    },
    finish: async (callbackUrl, login) => {
      const { verifier, state, nonce } = loginSchema.parse(JSON.parse(login));
      try {
        const tokens = await authorizationCodeGrant(await provider(), new URL(callbackUrl), {
          pkceCodeVerifier: verifier,
          expectedState: state,
          expectedNonce: nonce,
          idTokenExpected: true,
        });
        const claims = tokens.claims();
        if (claims?.iss !== options.issuer) return err("the ID token is another issuer's");
        const groups = options.groupsClaim === null ? null : groupsOf(claims[options.groupsClaim]);
        return ok({ issuer: claims.iss, subject: claims.sub, groups });
      } catch (error) {
        return err(reasonOf(error));
      }
    },
  };
}

async function discover(options: OidcLoginOptions): Promise<Configuration> {
  const { issuer, clientId, clientSecret, dangerouslyAllowLoopbackHttpIssuers } = options;
  const server = new URL(issuer);
  const found = await discovery(server, clientId, clientSecret.reveal(), undefined, {
    timeout: TIMEOUT_SECONDS,
    // The configuration lets a plain issuer through on this machine alone, and only with that flag. The library marks
    // this deprecated so that it is noticed.
    execute: [
      enableNonRepudiationChecks,
      // eslint-disable-next-line @typescript-eslint/no-deprecated
      ...(dangerouslyAllowLoopbackHttpIssuers && server.protocol === "http:" ? [allowInsecureRequests] : []),
    ],
  });
  if (found.serverMetadata().issuer !== issuer) throw new Error("the provider states another issuer");
  return found;
}

/** A claim that is not a list of names gives nobody a group. */
function groupsOf(claim: unknown): readonly string[] {
  const groups = groupsSchema.safeParse(typeof claim === "string" ? [claim] : claim);
  return groups.success ? groups.data : [];
}

/** For the audit log: the library's stable code, or the provider's error code; never its free text. */
function reasonOf(error: unknown): string {
  if (error instanceof ClientError) return `oidc: ${error.code ?? "refused"}`;
  if (error instanceof AuthorizationResponseError || error instanceof ResponseBodyError) {
    return `oidc: the provider answered ${error.error.slice(0, 100)}`;
  }
  return `oidc: ${error instanceof Error ? error.name : "failed"}`;
}
