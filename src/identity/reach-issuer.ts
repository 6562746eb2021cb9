/** Port: whether an issuer's keys can be had now. Stands for flows/doctor; adapters/oidc fetches them. */
import type { Result } from "../result.ts";
import type { OidcIssuer } from "./registry.ts";

/** Contract: never rejects. `err`: why not, safe to show. */
export type ReachIssuer = (issuer: OidcIssuer) => Promise<Result<null, string>>;
