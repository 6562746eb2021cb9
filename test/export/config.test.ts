import { expect, test } from "vitest";
import { loadConfig } from "../../src/config.ts";
import { exporterOf } from "../../src/wire/audit-export.ts";

const load = (env: Readonly<Record<string, string>>) => loadConfig({ env, flags: {}, cwd: "/srv" });

const faults = (env: Readonly<Record<string, string>>): readonly string[] => {
  const loaded = load(env);
  return loaded.ok ? [] : loaded.error;
};

const exportOf = async (env: Readonly<Record<string, string>>) => {
  const loaded = load(env);
  if (!loaded.ok) throw new Error(loaded.error.join("\n"));
  const { auditExport } = loaded.value;
  return [auditExport, (await exporterOf({ auditExport }, () => new Date()))?.name ?? null];
};

test("without settings nothing is exported", async () => {
  expect(await exportOf({})).toEqual([null, null]);
});

test("a folder is taken from where the broker stands", async () => {
  expect(await exportOf({ TWOKEY_AUDIT_EXPORT: "./worm" })).toEqual([
    { kind: "folder", folder: "/srv/worm" },
    "/srv/worm",
  ]);
});

test.each([
  ["s3://acme-audit", "", "s3://acme-audit/"],
  ["s3://acme-audit/", "", "s3://acme-audit/"],
  ["s3://acme-audit/twokey/prod", "twokey/prod/", "s3://acme-audit/twokey/prod/"],
])("%s is a bucket, compliance its mode unless another is named", async (place, prefix, name) => {
  const env = { TWOKEY_AUDIT_EXPORT: place, TWOKEY_AUDIT_EXPORT_RETENTION: "400d" };
  const bucket = { kind: "s3", bucket: "acme-audit", prefix, retentionDays: 400 };
  expect(await exportOf(env)).toEqual([{ ...bucket, mode: "compliance" }, name]);
  const [governance] = await exportOf({ ...env, TWOKEY_AUDIT_EXPORT_MODE: "governance" });
  expect(governance).toEqual({ ...bucket, mode: "governance" });
});

test("a bucket without a retention is a fault, and so is a retention for a folder", () => {
  expect(faults({ TWOKEY_AUDIT_EXPORT: "s3://acme-audit" })).toEqual([
    "TWOKEY_AUDIT_EXPORT_RETENTION: is needed with a bucket",
  ]);
  for (const place of [{ TWOKEY_AUDIT_EXPORT: "./worm" }, {}])
    expect(faults({ ...place, TWOKEY_AUDIT_EXPORT_RETENTION: "400d" })).toEqual([
      "TWOKEY_AUDIT_EXPORT_RETENTION: is for a bucket; nothing locks a folder",
    ]);
});

test.each([
  ["TWOKEY_AUDIT_EXPORT", "gs://acme-audit"],
  ["TWOKEY_AUDIT_EXPORT", "s3://Acme_Audit"],
  ["TWOKEY_AUDIT_EXPORT", "s3:acme-audit"],
  ["TWOKEY_AUDIT_EXPORT", "s3://acme-audit/a b"],
  ["TWOKEY_AUDIT_EXPORT", "S3://acme-audit"],
  ["TWOKEY_AUDIT_EXPORT_RETENTION", "400"],
  ["TWOKEY_AUDIT_EXPORT_RETENTION", "0d"],
  ["TWOKEY_AUDIT_EXPORT_RETENTION", "36501d"],
  ["TWOKEY_AUDIT_EXPORT_RETENTION", "1y"],
  ["TWOKEY_AUDIT_EXPORT_MODE", "COMPLIANCE"],
  ["TWOKEY_AUDIT_EXPORT_MODE", "none"],
])("%s=%j is a fault that names the setting", (name, value) => {
  const env = {
    TWOKEY_AUDIT_EXPORT: "s3://acme-audit",
    TWOKEY_AUDIT_EXPORT_RETENTION: "400d",
    [name]: value,
  };
  expect(faults(env)[0]).toMatch(new RegExp(`^${name}: is `));
});
