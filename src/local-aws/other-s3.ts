/** Which S3 action a REST request is: by method, path (path style) and subresource. Null where it cannot be told. */
import type { Ask } from "./call.ts";
import type { WireRequest } from "./sigv4.ts";

/** Query parameters that only refine a request. Any other that is not in the tables makes it unknown. */
const REFINEMENTS = new Set([
  "continuation-token",
  "delimiter",
  "encoding-type",
  "fetch-owner",
  "list-type",
  "marker",
  "max-keys",
  "partNumber",
  "prefix",
  "start-after",
  "uploadId",
  "x-id",
]);

type ByMethod = Readonly<Record<string, string>>;

const BUCKET: ByMethod = {
  GET: "ListBucket",
  HEAD: "ListBucket",
  PUT: "CreateBucket",
  DELETE: "DeleteBucket",
};
const OBJECT: ByMethod = {
  GET: "GetObject",
  HEAD: "GetObject",
  PUT: "PutObject",
  POST: "PutObject",
  DELETE: "DeleteObject",
};

const BUCKET_PARTS: ReadonlyMap<string, ByMethod> = new Map<string, ByMethod>([
  ["acl", { GET: "GetBucketAcl", PUT: "PutBucketAcl" }],
  [
    "encryption",
    {
      GET: "GetEncryptionConfiguration",
      PUT: "PutEncryptionConfiguration",
      DELETE: "PutEncryptionConfiguration",
    },
  ],
  [
    "lifecycle",
    {
      GET: "GetLifecycleConfiguration",
      PUT: "PutLifecycleConfiguration",
      DELETE: "PutLifecycleConfiguration",
    },
  ],
  ["location", { GET: "GetBucketLocation" }],
  ["policy", { GET: "GetBucketPolicy", PUT: "PutBucketPolicy", DELETE: "DeleteBucketPolicy" }],
  [
    "replication",
    {
      GET: "GetReplicationConfiguration",
      PUT: "PutReplicationConfiguration",
      DELETE: "PutReplicationConfiguration",
    },
  ],
  ["tagging", { GET: "GetBucketTagging", PUT: "PutBucketTagging", DELETE: "PutBucketTagging" }],
  ["uploads", { GET: "ListBucketMultipartUploads" }],
  ["versioning", { GET: "GetBucketVersioning", PUT: "PutBucketVersioning" }],
  ["versions", { GET: "ListBucketVersions" }],
]);

const OBJECT_PARTS: ReadonlyMap<string, ByMethod> = new Map<string, ByMethod>([
  ["acl", { GET: "GetObjectAcl", PUT: "PutObjectAcl" }],
  ["tagging", { GET: "GetObjectTagging", PUT: "PutObjectTagging", DELETE: "DeleteObjectTagging" }],
  ["uploads", { POST: "PutObject" }],
  ["versionId", { GET: "GetObjectVersion", HEAD: "GetObjectVersion", DELETE: "DeleteObjectVersion" }],
]);

export function s3Action(request: WireRequest): Ask | null {
  const [, bucket = "", key = ""] = /^\/([^/]*)\/?(.*)$/s.exec(request.path) ?? [];
  const parts = [...new URLSearchParams(request.query).keys()].filter((name) => !REFINEMENTS.has(name));
  if (bucket === "")
    return request.method === "GET" ? { action: "s3:ListAllMyBuckets", resource: "*" } : null;
  const [part, ...more] = parts;
  if (more.length > 0) return null;
  // Deleting many objects is a POST on the bucket that acts on its objects.
  if (key === "" && part === "delete" && request.method === "POST")
    return { action: "s3:DeleteObject", resource: `arn:aws:s3:::${bucket}/*` };
  const [whole, tables] = key === "" ? [BUCKET, BUCKET_PARTS] : [OBJECT, OBJECT_PARTS];
  const byMethod = part === undefined ? whole : tables.get(part);
  const action =
    byMethod !== undefined && Object.hasOwn(byMethod, request.method) ? byMethod[request.method] : undefined;
  if (action === undefined) return null;
  try {
    const path = decodeURIComponent(key === "" ? bucket : `${bucket}/${key}`);
    return { action: `s3:${action}`, resource: `arn:aws:s3:::${path}` };
  } catch {
    return null;
  }
}
