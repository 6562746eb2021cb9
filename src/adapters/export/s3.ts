/**
 * The port AuditExporter on an S3 bucket with Object Lock, through the AWS SDK. Each object is created under a
 * retention: until it ends, in compliance mode, nobody deletes or changes that version, the account's root user
 * included. Translates and never decides; has no way to delete, and none to write over what is there.
 */
import { createHash } from "node:crypto";
import {
  GetObjectCommand,
  paginateListObjectsV2,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from "@aws-sdk/client-s3";
import type { AuditExporter, ExportConflict, ExportedCheckpoint } from "../../audit/export.ts";
import { err, ok, type Result } from "../../result.ts";
import {
  checkpointName,
  checkpointObject,
  CHECKPOINTS,
  checkpointSize,
  entriesObject,
  type ExportObject,
} from "./objects.ts";

export interface S3ExporterOptions {
  readonly bucket: string;
  /** Before every name: empty, or ended by a slash. */
  readonly prefix: string;
  readonly retentionDays: number;
  /** `governance`: whoever has s3:BypassGovernanceRetention may still delete. */
  readonly mode: "compliance" | "governance";
  readonly clock: () => Date;
  /** Null: the SDK's default chain. */
  readonly region: string | null;
  /** A URL in place of AWS's, which then is called by path; null: AWS's own. */
  readonly endpoint: string | null;
  /** Null: the SDK's default chain. */
  readonly credentials: NonNullable<S3ClientConfig["credentials"]> | null;
}

export interface ClosableExporter extends AuditExporter {
  close(): void;
}

const CONNECT_TIMEOUT_MS = 5_000;
const CALL_TIMEOUT_MS = 30_000;
const DAY_MS = 86_400_000;

export function createS3Exporter(options: S3ExporterOptions): ClosableExporter {
  const client = clientOf(options);
  return {
    name: `s3://${options.bucket}/${options.prefix}`,
    latest: latestOf(client, options),
    put: async (batch) => create(client, options, entriesObject(batch)),
    seal: async (checkpoint) => create(client, options, checkpointObject(checkpoint)),
    close: () => {
      client.destroy();
    },
  };
}

function clientOf({ region, endpoint, credentials }: S3ExporterOptions): S3Client {
  return new S3Client({
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, requestTimeout: CALL_TIMEOUT_MS },
    // The bucket may be of another region than the broker.
    followRegionRedirects: true,
    ...(region === null ? {} : { region }),
    ...(endpoint === null ? {} : { endpoint, forcePathStyle: true }),
    ...(credentials === null ? {} : { credentials }),
  });
}

function latestOf(
  client: S3Client,
  { bucket, prefix }: S3ExporterOptions,
): () => Promise<ExportedCheckpoint | null> {
  // Keys sort like sizes and are listed upwards: where the newest was once is where the next look starts.
  let known = 0;
  return async () => {
    const found = await newestSize(client, { bucket, prefix, from: known });
    // What was known is gone, behind a delete marker perhaps: what is there counts.
    const newest = found ?? (known === 0 ? null : await newestSize(client, { bucket, prefix, from: 0 }));
    known = newest ?? 0;
    if (newest === null) return null;
    const bytes = await read(client, bucket, `${prefix}${checkpointName(newest)}`);
    return { size: newest, note: new TextDecoder().decode(bytes) };
  };
}

interface Place {
  readonly bucket: string;
  readonly prefix: string;
}

/** The largest that is `from` at least. */
async function newestSize(
  client: S3Client,
  { bucket, prefix, from }: Place & { readonly from: number },
): Promise<number | null> {
  const folder = `${prefix}${CHECKPOINTS}`;
  // StartAfter leaves out its own key.
  const start = from === 0 ? {} : { StartAfter: `${prefix}${checkpointName(from - 1)}` };
  let newest: number | null = null;
  for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: folder, ...start })) {
    for (const { Key = "" } of page.Contents ?? []) {
      const size = checkpointSize(Key.slice(folder.length));
      if (size !== null && size > (newest ?? -1)) newest = size;
    }
  }
  return newest;
}

async function create(
  client: S3Client,
  { bucket, prefix, mode, retentionDays, clock }: S3ExporterOptions,
  { name, bytes }: ExportObject,
): Promise<Result<null, ExportConflict>> {
  const key = `${prefix}${name}`;
  try {
    await client.send(
      new PutObjectCommand({
        Bucket: bucket,
        Key: key,
        Body: bytes,
        ContentType: "text/plain; charset=utf-8",
        IfNoneMatch: "*",
        ObjectLockMode: mode === "compliance" ? "COMPLIANCE" : "GOVERNANCE",
        ObjectLockRetainUntilDate: new Date(clock().getTime() + retentionDays * DAY_MS),
        // S3 takes no locked object without a checksum, and wants to be told of which kind.
        ChecksumAlgorithm: "SHA256",
        ChecksumSHA256: createHash("sha256").update(bytes).digest("base64"),
      }),
    );
    return ok(null);
  } catch (error) {
    if (!(error instanceof Error) || error.name !== "PreconditionFailed") throw error;
    const there = await read(client, bucket, key);
    return Buffer.from(there).equals(bytes) ? ok(null) : err({ object: `s3://${bucket}/${key}` });
  }
}

async function read(client: S3Client, bucket: string, key: string): Promise<Uint8Array> {
  const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  if (Body === undefined) throw new Error("S3 answered without a body");
  return Body.transformToByteArray();
}
