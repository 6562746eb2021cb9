/**
 * The environment of a command run by `twokey exec`: Twokey's endpoint, and nothing by which an SDK would find a
 * person's credentials first. Hygiene, not a sandbox: the command still runs as the same user.
 */

/** Every variable by which an AWS SDK or tool finds credentials; all stand before the container endpoint. */
const AWS_CREDENTIAL_VARIABLES: readonly RegExp[] = [
  /^AWS_ACCESS_KEY(_ID)?$/,
  /^AWS_SECRET_(ACCESS_)?KEY$/,
  /^AWS_(SESSION|SECURITY)_TOKEN$/,
  /^AWS_CREDENTIAL_(EXPIRATION|FILE)$/,
  /^AWS_(DEFAULT_)?PROFILE$/,
  /^AWS_WEB_IDENTITY_TOKEN_FILE$/,
  /^AWS_ROLE_(ARN|SESSION_NAME)$/,
  // RELATIVE wins over FULL; a token variable could stand beside the token file.
  /^AWS_CONTAINER_/,
  /^AWS_BEARER_TOKEN_/,
  /^AWS_LOGIN_/,
];

/** What proves to the broker who the agent is. The command gets sessions from the endpoint instead. */
const WORKLOAD_PROOF_VARIABLES: readonly RegExp[] = [
  /^TWOKEY_TOKEN(_FILE)?$/,
  /^TWOKEY_AGENT_KEY$/,
  /^ACTIONS_ID_TOKEN_REQUEST_(TOKEN|URL)$/,
];

export interface ChildAccess {
  readonly url: string;
  readonly tokenFile: string;
  readonly region: string;
  /** An empty file, so that no profile of a person is read. */
  readonly emptyFile: string;
}

export function childEnvironment(
  env: Readonly<Record<string, string | undefined>>,
  access: ChildAccess,
): Record<string, string | undefined> {
  // Windows ignores the case of names; so does this.
  const removed = [...AWS_CREDENTIAL_VARIABLES, ...WORKLOAD_PROOF_VARIABLES];
  const kept = Object.entries(env).filter(
    ([name]) => !removed.some((pattern) => pattern.test(name.toUpperCase())),
  );
  return {
    ...Object.fromEntries(kept),
    ...endpointVariables(access),
    AWS_SHARED_CREDENTIALS_FILE: access.emptyFile,
    AWS_CONFIG_FILE: access.emptyFile,
    // botocore's oldest source, ~/.boto, also stands before the endpoint.
    BOTO_CONFIG: access.emptyFile,
    AWS_EC2_METADATA_DISABLED: "true",
  };
}

/** The variables an unmodified SDK needs to use the endpoint. */
export function endpointVariables(
  access: Pick<ChildAccess, "url" | "tokenFile" | "region">,
): Record<string, string> {
  return {
    AWS_CONTAINER_CREDENTIALS_FULL_URI: access.url,
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: access.tokenFile,
    AWS_REGION: access.region,
    AWS_DEFAULT_REGION: access.region,
  };
}
