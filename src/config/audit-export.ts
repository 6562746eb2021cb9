/**
 * The settings of the audit export. No fault lets an export look safer than it is: a bucket needs its retention, and a
 * folder takes none.
 */
import { resolve } from "node:path";
import { z } from "zod";

export type AuditExportConfig =
  | { readonly kind: "folder"; /** Absolute. */ readonly folder: string }
  | {
      readonly kind: "s3";
      readonly bucket: string;
      /** Empty, or ended by a slash. */
      readonly prefix: string;
      readonly retentionDays: number;
      readonly mode: "compliance" | "governance";
    };

/** Rows of the table in config.ts. */
export const AUDIT_EXPORT_SETTINGS = {
  auditExport: {
    key: "audit_export",
    env: "TWOKEY_AUDIT_EXPORT",
    flag: null,
    help: "folder, or s3://<bucket>/<prefix> with Object Lock, that the audit log is exported to as it grows",
    fallback: null,
  },
  auditExportRetention: {
    key: "audit_export_retention",
    env: "TWOKEY_AUDIT_EXPORT_RETENTION",
    flag: null,
    help: "for how long a bucket keeps what is exported, 1d to 36500d",
    fallback: null,
  },
  auditExportMode: {
    key: "audit_export_mode",
    env: "TWOKEY_AUDIT_EXPORT_MODE",
    flag: null,
    help: "Object Lock mode: compliance (nobody can delete) or governance (some can)",
    fallback: "compliance",
  },
} as const;

const BUCKET = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([\w!.*'()/-]{0,200}))?$/;

const place = z.string().transform((text, context) => {
  const [, bucket, path = ""] = BUCKET.exec(text) ?? [];
  const prefix = path === "" || path.endsWith("/") ? path : `${path}/`;
  if (bucket !== undefined) return { bucket, prefix };
  if (text !== "" && !/^\w+:/.test(text)) return { folder: text };
  const message = "is a folder, or s3://<bucket>/<prefix>";
  context.issues.push({ code: "custom", message, input: text });
  return z.NEVER;
});

const days = z
  .string()
  .regex(/^\d{1,5}d$/, { error: "is 1d to 36500d, such as 400d" })
  .transform((text) => Number(text.slice(0, -1)))
  .refine((count) => count >= 1 && count <= 36_500, { error: "is 1d to 36500d, such as 400d" });

export const AUDIT_EXPORT_SCHEMA = {
  auditExport: place.nullable(),
  auditExportRetention: days.nullable(),
  auditExportMode: z.enum(["compliance", "governance"], { error: "is compliance or governance" }),
};

type Name = keyof typeof AUDIT_EXPORT_SETTINGS;

/** Settings that stand without the ones they need. */
export function auditExportFaults(values: Readonly<Partial<Record<Name, string | null>>>): readonly string[] {
  const { auditExport = null, auditExportRetention = null } = values;
  const bucket = auditExport?.startsWith("s3:") === true;
  const retention = AUDIT_EXPORT_SETTINGS.auditExportRetention.env;
  if (bucket && auditExportRetention === null) return [`${retention}: is needed with a bucket`];
  return !bucket && auditExportRetention !== null
    ? [`${retention}: is for a bucket; nothing locks a folder`]
    : [];
}

/** `data`: parsed by AUDIT_EXPORT_SCHEMA, and without auditExportFaults. Null: nothing is exported. */
export function auditExportConfig(
  data: { readonly [K in Name]: z.output<(typeof AUDIT_EXPORT_SCHEMA)[K]> },
  cwd: string,
): AuditExportConfig | null {
  const { auditExport, auditExportRetention, auditExportMode: mode } = data;
  if (auditExport === null) return null;
  if ("folder" in auditExport) {
    return Object.freeze({ kind: "folder", folder: resolve(cwd, auditExport.folder) });
  }
  // Only to be sure: the faults were told before.
  if (auditExportRetention === null) return null;
  return Object.freeze({ kind: "s3", ...auditExport, retentionDays: auditExportRetention, mode });
}
