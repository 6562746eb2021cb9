/** What doctor finds about the broker itself: its credentials, clocks, keys, record and issuers, and what is published. */
import { CreatePolicyVersionCommand, DeletePolicyCommand, IAMClient } from "@aws-sdk/client-iam";
import { expect, test } from "vitest";
import { openAuditKey, verifyEd25519 } from "../../src/adapters/key-files/key-files.ts";
import { openAuditLog } from "../../src/adapters/postgres/audit-log.ts";
import { signDue } from "../../src/flows/sign-checkpoint.ts";
import type { CheckId, Finding } from "../../src/policy/doctor/finding.ts";
import { publishedPolicies } from "../../src/policy/published-policies.ts";
import { err, ok } from "../../src/result.ts";
import {
  account,
  ADMIN_KEYS,
  ROOT_KEYS,
  served,
  startWorld,
  STRAY_KEYS,
  without,
  type DoctorWorld,
} from "./world.ts";

const IN_USE = {
  record: err({ reason: "in_use", message: "the data folder is in use by process 7" } as const),
};

const of = (found: readonly Finding[], id: CheckId): readonly Finding[] =>
  found.filter((finding) => finding.id === id);
const only = (found: readonly Finding[], id: CheckId): Finding | undefined => of(found, id)[0];

test("credentials of another account are a fault, and what cannot be read from there a warning", async () => {
  const world = await startWorld(undefined, STRAY_KEYS);
  const found = await world.run(IN_USE);
  expect(only(found, "caller_account")).toMatchObject({
    status: "fault",
    line: expect.stringContaining(
      "belong to account 444455556666, which accounts.yaml does not have",
    ) as string,
    fix: "give the broker credentials of 111122223333 (demo), or add account 444455556666 to accounts.yaml",
  });
  for (const id of ["role", "revocation", "published"] as const)
    expect(only(found, id)).toMatchObject({
      status: "warning",
      line: expect.stringContaining("not checked, as the broker is of account 444455556666") as string,
    });
});

test("the root user is a fault", async () => {
  const world = await startWorld(undefined, ROOT_KEYS);
  expect(only(await world.run(IN_USE), "caller")).toMatchObject({
    status: "fault",
    fix: "give the broker a role of its own, and delete the root user's access key",
  });
});

test("credentials that AWS does not know are a fault, and nothing is taken for good that hangs on them", async () => {
  const world = await startWorld(undefined, {
    accessKeyId: "AKIANOBODY0000000000",
    secretAccessKey: "CANARYnobody",
  });
  const found = await world.run();
  expect(only(found, "caller")).toMatchObject({ status: "fault" });
  expect(only(found, "caller")?.line).toContain("sts:GetCallerIdentity was answered InvalidClientTokenId");
  for (const id of ["role", "revocation", "published", "trust_refuses", "time_to_mint"] as const)
    expect(of(found, id).filter(({ status }) => status === "ok")).toEqual([]);
  expect(JSON.stringify(found)).not.toContain("CANARY");
});

test.each([
  [50, "ok"],
  [90, "warning"],
  [-90, "warning"],
  [250, "fault"],
  [-250, "fault"],
] as const)("a clock %i s away from AWS's and the database's is %s", async (seconds, status) => {
  const world = await startWorld();
  const clock = () => new Date(Date.now() + seconds * 1000);
  const found = await world.run({ clock, accounts: [] });
  for (const id of ["clock", "record_clock"] as const) {
    expect(only(found, id)).toMatchObject({ status });
    expect(only(found, id)?.fix ?? null).toBe(
      status === "ok" ? null : "synchronise this machine's clock (NTP)",
    );
  }
});

test("a record that a running broker holds is a warning, and no session is asked for without it", async () => {
  const world = await startWorld();
  const found = await world.run(IN_USE);
  expect(only(found, "record")).toMatchObject({
    status: "warning",
    line: "the data folder is in use by process 7",
  });
  expect(only(found, "record")?.fix).toContain("keep the record in PostgreSQL");
  for (const id of [
    "record_clock",
    "audit_key",
    "assume",
    "trust_refuses",
    "time_to_mint",
    "record_written",
  ] as const)
    expect(only(found, id)?.status).toBe("warning");
  expect(world.aws.state.mints()).toEqual([]);
});

test.each([
  ["outdated", "start the broker of this version first"],
  ["unavailable", "see that the database runs"],
] as const)("a record that is %s is a fault", async (reason, fix) => {
  const world = await startWorld();
  const found = await world.run({ record: err({ reason, message: "no" }), accounts: [] });
  expect(only(found, "record")).toMatchObject({
    status: "fault",
    fix: expect.stringContaining(fix) as string,
  });
});

test("an issuer whose keys cannot be had is a fault", async () => {
  const world = await startWorld();
  const issuer = { id: "ci", kind: "oidc", issuer: "https://ci.example.com", jwksUri: null } as const;
  const more = {
    ...issuer,
    audience: "https://twokey.example.com",
    algorithms: ["RS256"],
    maxAgeSeconds: 600,
  };
  const policy = { ...served, set: { ...served.set, registry: { agents: [], issuers: [more] } } };
  const found = await world.run({
    policy,
    accounts: [],
    reachIssuer: async () => err("ci.example.com answered 503"),
  });
  expect(only(found, "issuer")).toMatchObject({
    status: "fault",
    line: "issuer ci: its keys cannot be had: ci.example.com answered 503",
  });
});

test("the key of the log must be the one that signed it", async () => {
  const world = await startWorld();
  const store = await openAuditLog({ url: null, folder: null });
  const signing = { tree: store.tree, verify: verifyEd25519 };
  const record = ok({ audit: store, now: () => store.retention.daysAgo(0), signing });
  const [own, other] = [openAuditKey(null, true), openAuditKey(null, true)];
  if (!own.ok || !other.ok) throw new Error("no keys");
  const keyFinding = async (change: Parameters<DoctorWorld["run"]>[0]) =>
    only(await world.run({ record, accounts: [], ...change }), "audit_key");

  expect(await keyFinding({ keys: ok("none_yet") })).toMatchObject({ status: "ok" });
  await signDue({ ...signing, keep: (size, note) => store.keepCheckpoint(size, note), key: own.value }, null);
  expect(await keyFinding({ keys: own })).toMatchObject({ status: "ok" });
  expect(await keyFinding({ keys: other })).toMatchObject({
    status: "fault",
    line: "the last checkpoint in the record was signed by another key, or by none",
  });
  expect(await keyFinding({ keys: ok("none_yet") })).toMatchObject({
    status: "fault",
    line: "the log was signed, and the key is gone",
  });
  expect(await keyFinding({ keys: err("key.pem: others may read it") })).toMatchObject({ status: "fault" });
  await store.close();
  // A second store takes its time to open.
}, 120_000);

test("a published policy that was altered, and one that is missing, are faults", async () => {
  const world = await startWorld();
  const [guardrails, needed] = ["guardrails-", "/twokey/"].map((part) =>
    publishedPolicies(served).find(
      ({ arn }) => arn.includes(part) && (part !== "/twokey/" || !arn.includes("guardrails")),
    ),
  );
  if (guardrails === undefined || needed === undefined) throw new Error("nothing is published");
  const iam = new IAMClient({ region: account.region, endpoint: world.url, credentials: ADMIN_KEYS });
  const published = async () => only(await world.run(IN_USE), "published");

  await iam.send(new DeletePolicyCommand({ PolicyArn: guardrails.arn }));
  expect(await published()).toMatchObject({
    status: "warning",
    fix: "run: twokey policy publish --account 111122223333",
  });
  await iam.send(new DeletePolicyCommand({ PolicyArn: needed.arn }));
  expect(await published()).toMatchObject({
    status: "fault",
    fix: "run: twokey policy publish --account 111122223333",
  });
  expect((await published())?.line).toContain(needed.arn);

  const altered = publishedPolicies(served).find(({ arn }) => ![guardrails.arn, needed.arn].includes(arn));
  const PolicyDocument =
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}';
  await iam.send(
    new CreatePolicyVersionCommand({ PolicyArn: altered?.arn, PolicyDocument, SetAsDefault: true }),
  );
  const found = await published();
  expect(found?.status).toBe("fault");
  expect(found?.line).toContain(`were altered: ${altered?.arn ?? ""}`);
  expect(found?.fix).toContain("find out who changed them");
  iam.destroy();
});

test("without an organisation that can be seen, the SCP is not taken for good", async () => {
  const world = await startWorld((options) => without(options, "scps"));
  expect(only(await world.run(IN_USE), "scp")).toMatchObject({
    status: "warning",
    line: "not visible: IAM tells of no organisation for this account",
  });
});

test("without the simulator, what it would show is not taken for good", async () => {
  const world = await startWorld();
  const denied = err({ action: "iam:SimulatePrincipalPolicy", code: "AccessDenied", message: "no" });
  const found = await world.run({ ...IN_USE, aws: { ...world.doctor.aws, simulate: async () => denied } });
  for (const id of ["broker_assumes", "broker_writes", "revocation", "scp"] as const) {
    expect(of(found, id).every(({ status }) => status === "warning")).toBe(true);
    expect(only(found, id)?.fix).toContain('"Action":"iam:SimulatePrincipalPolicy"');
  }
});

test("a role that is frozen by its template is not asked for, and said so", async () => {
  const world = await startWorld();
  const { record } = world.doctor;
  if (!record.ok) throw new Error("no record");
  const frozen = async () => err({ reason: "frozen", by: { kind: "all", name: null } } as const);
  const found = await world.run({
    record: ok({ ...record.value, audit: { ...record.value.audit, recordIntent: frozen } }),
  });
  for (const finding of of(found, "assume"))
    expect(finding).toMatchObject({ status: "warning", line: "not tried: it is frozen" });
  expect(world.aws.state.mints()).toEqual([]);
});
