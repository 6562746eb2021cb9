/**
 * STS AssumeRole through the AWS SDK: one attempt on the wire, a bounded deadline, all tags transitive. Translates
 * STS's answer and never decides what to do about it; never retries; never lets a secret into a message.
 */
import {
  AssumeRoleCommand,
  STSClient,
  type AssumeRoleCommandOutput,
  type STSClientConfig,
} from "@aws-sdk/client-sts";
import { err, ok, type Result } from "../../result.ts";
import type {
  AssumedRole,
  AssumeRole,
  AssumeRoleFault,
  ProbeRequest,
  ProbeRole,
} from "../../session/assume-role.ts";
import { Secret } from "../../session/credentials.ts";
import { classifyFault } from "./sts-fault.ts";

export interface StsOptions {
  /** Every account's STS calls go to this region instead of the account's own; null: the account's own. */
  readonly region: string | null;
  /** A URL in place of AWS's regional endpoint (a VPC endpoint, local-aws); null: AWS's. */
  readonly endpoint: string | null;
  /** The broker's own AWS credentials; null: the SDK's default chain. */
  readonly credentials: NonNullable<STSClientConfig["credentials"]> | null;
  /** For the whole call, the broker's own credentials included. */
  readonly deadlineMs: number;
}

export interface StsAdapter {
  readonly assumeRole: AssumeRole;
  readonly probeRole: ProbeRole;
  /** Drops the pooled connections. */
  readonly close: () => void;
}

const CONNECT_TIMEOUT_MS = 3_000;
const MAX_SOCKETS = 256;
// An idle connection STS closed just as a request was written would leave that mint `unknown`: ours go first.
const IDLE_SOCKET_MS = 4_000;

export function createAssumeRole(options: StsOptions): StsAdapter {
  const clients = new Map<string, STSClient>();
  const clientFor = (accountRegion: string): STSClient => {
    const region = options.region ?? accountRegion;
    let client = clients.get(region);
    if (client === undefined) clients.set(region, (client = createClient(region, options)));
    return client;
  };
  const send: ProbeRole = (request) => attempt(clientFor(request.region), request, options.deadlineMs);
  return {
    assumeRole: (request) => send({ ...request, transitiveKeys: request.tags.map(({ key }) => key) }),
    probeRole: send,
    close: () => {
      for (const client of clients.values()) client.destroy();
    },
  };
}

function createClient(region: string, options: StsOptions): STSClient {
  const agent = { keepAlive: true, maxSockets: MAX_SOCKETS, timeout: IDLE_SOCKET_MS };
  return new STSClient({
    region,
    // The SDK's default is three attempts; each may mint.
    maxAttempts: 1,
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, httpAgent: agent, httpsAgent: agent },
    ...(options.endpoint === null ? {} : { endpoint: options.endpoint }),
    ...(options.credentials === null ? {} : { credentials: options.credentials }),
  });
}

async function attempt(
  client: STSClient,
  request: ProbeRequest,
  deadlineMs: number,
): Promise<Result<AssumedRole, AssumeRoleFault>> {
  const command = toCommand(request);
  let sent = false;
  command.middlewareStack.add(
    (next) => (args) => {
      sent = true;
      return next(args);
    },
    { step: "deserialize", priority: "low" },
  );
  const abort = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  // The signal alone would not bound the wait for the broker's own credentials. Once aborted, nothing is sent.
  const deadline = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      abort.abort();
      reject(new DeadlineError());
    }, deadlineMs);
  });
  try {
    return readAnswer(await Promise.race([client.send(command, { abortSignal: abort.signal }), deadline]));
  } catch (error) {
    return err(classifyFault(error, sent));
  } finally {
    clearTimeout(timer);
  }
}

class DeadlineError extends Error {
  override readonly name = "TimeoutError";
}

function toCommand(request: ProbeRequest): AssumeRoleCommand {
  return new AssumeRoleCommand({
    RoleArn: request.roleArn,
    RoleSessionName: request.roleSessionName,
    ...(request.sourceIdentity === null ? {} : { SourceIdentity: request.sourceIdentity }),
    ...(request.externalId === null ? {} : { ExternalId: request.externalId }),
    DurationSeconds: request.durationSeconds,
    Policy: request.policy,
    ...(request.policyArns.length === 0 ? {} : { PolicyArns: request.policyArns.map((arn) => ({ arn })) }),
    Tags: request.tags.map(({ key, value }) => ({ Key: key, Value: value })),
    TransitiveTagKeys: [...request.transitiveKeys],
  });
}

function readAnswer(answer: AssumeRoleCommandOutput): Result<AssumedRole, AssumeRoleFault> {
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = answer.Credentials ?? {};
  const arn = answer.AssumedRoleUser?.Arn;
  if (!AccessKeyId || !SecretAccessKey || !SessionToken || !arn || !isDate(Expiration)) {
    return err({
      certainty: "unknown",
      code: "IncompleteAnswer",
      message: "STS answered without all it promises",
    });
  }
  return ok({
    credentials: {
      accessKeyId: AccessKeyId,
      secretAccessKey: new Secret(SecretAccessKey),
      sessionToken: new Secret(SessionToken),
      expiration: Expiration,
    },
    assumedRoleArn: arn,
    packedPolicySize: packedPercent(answer),
  });
}

function packedPercent(answer: AssumeRoleCommandOutput): number | null {
  // STS is moving from the first to the second; until it has, it may answer with either.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  return answer.PackedPolicySize ?? answer.SessionTokenUtilization ?? null;
}

function isDate(date: Date | undefined): date is Date {
  return date !== undefined && !Number.isNaN(date.getTime());
}
