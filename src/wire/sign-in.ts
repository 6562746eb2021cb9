/** Who is let in, and under which name people's browsers know the broker: the identity parts of the composition. */
import type { Logger } from "pino";
import { createOidcLogin } from "../adapters/oidc/login.ts";
import { createTokenVerifier } from "../adapters/oidc/verify-token.ts";
import type { Config } from "../config.ts";
import type { Broker } from "../flows/admit.ts";
import type { VerifyToken } from "../identity/verify.ts";
import type { Site } from "../identity/webauthn.ts";
import type { ServedPolicy } from "../policy/serve.ts";

export function oidcLogin({ oidc, dangerouslyAllowLoopbackHttpIssuers }: Config): Broker["oidc"] {
  return oidc === null ? null : createOidcLogin({ ...oidc, dangerouslyAllowLoopbackHttpIssuers });
}

export function siteOf(origin: string): Site {
  return { origin, rpId: new URL(origin).hostname };
}

export function tokenVerifier(
  config: Config,
  policy: () => ServedPolicy,
  clock: () => Date,
  log: Logger,
): VerifyToken {
  return createTokenVerifier({
    registry: () => policy().set.registry,
    fetch: globalThis.fetch,
    clock,
    onAlert: (alert) => {
      log.warn({ alert }, "token issuer");
    },
    dangerouslyAllowLoopbackHttpIssuers: config.dangerouslyAllowLoopbackHttpIssuers,
  });
}
