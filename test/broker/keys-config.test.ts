/** The broker's keys by environment, and a database that is entered with IAM: what is taken, and what is refused. */
import { generateKeyPairSync } from "node:crypto";
import { inspect } from "node:util";
import { expect, test } from "vitest";
import { openAuditKey, openToken } from "../../src/adapters/key-files/key-files.ts";
import { loadConfig } from "../../src/config.ts";
import { Secret } from "../../src/session/credentials.ts";
import { openKeys } from "../../src/wire/keys.ts";

const load = (env: Readonly<Record<string, string>>) => loadConfig({ env, flags: {}, cwd: "/srv" });
const faults = (env: Readonly<Record<string, string>>): readonly string[] => {
  const loaded = load(env);
  return loaded.ok ? [] : loaded.error;
};
const made = () =>
  generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const TOKEN = "operator-token-of-48-characters-0123456789abcdef";
const POSTGRES = "postgres://twokey@db.example.com/twokey";
const IAM_URL = `${POSTGRES}?sslmode=verify-full&sslrootcert=/app/rds-ca.pem`;

test("both keys may come by environment, where there is no file to put them in", () => {
  const pem = made();
  const config = load({
    TWOKEY_DATABASE_URL: POSTGRES,
    TWOKEY_AUDIT_KEY: pem,
    TWOKEY_OPERATOR_TOKEN: TOKEN,
  });
  if (!config.ok) throw new Error(config.error.join("\n"));
  const keys = openKeys(config.value);
  if (!keys.ok) throw new Error(keys.error.join("\n"));
  const again = openAuditKey(new Secret(pem), false);
  expect(again.ok && again.value.publicKey).toEqual(keys.value.audit.publicKey);
  expect([keys.value.isOperator(TOKEN), keys.value.isOperator("another")]).toEqual([true, false]);
});

test("whatever prints the configuration does not print them", () => {
  const pem = made();
  const config = load({ TWOKEY_AUDIT_KEY: pem, TWOKEY_OPERATOR_TOKEN: TOKEN });
  const printed = `${JSON.stringify(config)} ${inspect(config, { depth: 9 })}`;
  expect(printed).toContain("[redacted]");
  for (const secret of [TOKEN, ...pem.split("\n").filter((line) => line.length > 40)]) {
    expect(printed).not.toContain(secret);
  }
});

test("a key given twice is a fault, since which would count is nothing to guess", () => {
  expect(
    faults({
      TWOKEY_AUDIT_KEY: made(),
      TWOKEY_AUDIT_KEY_FILE: "key.pem",
      TWOKEY_OPERATOR_TOKEN: TOKEN,
      TWOKEY_OPERATOR_TOKEN_FILE: "token",
    }),
  ).toEqual([
    "TWOKEY_AUDIT_KEY: is given beside TWOKEY_AUDIT_KEY_FILE; give one of them",
    "TWOKEY_OPERATOR_TOKEN: is given beside TWOKEY_OPERATOR_TOKEN_FILE; give one of them",
  ]);
});

test("what is no key is refused without being quoted", () => {
  const wrong = "not-a-key-but-perhaps-somebody's-secret";
  const key = openAuditKey(new Secret(wrong), false);
  const token = openToken(new Secret("short"), false);
  expect([key.ok, token.ok]).toEqual([false, false]);
  expect(JSON.stringify([key, token])).not.toContain(wrong);
  expect(JSON.stringify(token)).not.toContain("short");
});

test("a key given by environment is never made up: an empty one leaves the broker on PostgreSQL without a key", () => {
  const config = load({ TWOKEY_DATABASE_URL: POSTGRES, TWOKEY_AUDIT_KEY: "" });
  expect(config.ok && openKeys(config.value).ok).toBe(false);
});

test("a database may be entered with IAM, when its URL says how its server is verified", () => {
  const config = load({ TWOKEY_DATABASE_URL: IAM_URL, TWOKEY_DATABASE_AUTH: "iam" });
  expect(config.ok && config.value.store).toEqual({ url: IAM_URL, folder: null, auth: "iam" });
});

test.each([
  ["without a URL", {}, "TWOKEY_DATABASE_AUTH: iam needs TWOKEY_DATABASE_URL"],
  ["with a password", { url: IAM_URL.replace("twokey@", "twokey:hunter2@") }, "holds a password"],
  ["without a user", { url: IAM_URL.replace("twokey@", "") }, "names the user and the host"],
  ["without TLS", { url: POSTGRES }, "has sslmode=verify-full"],
  [
    "with TLS that verifies nothing",
    { url: IAM_URL.replace("verify-full", "require") },
    "sslmode=verify-full",
  ],
  ["without RDS's CAs", { url: `${POSTGRES}?sslmode=verify-full` }, "has sslrootcert=<file>"],
  ["with a host that hides in the query", { url: `${IAM_URL}&host=evil.example` }, "sslrootcert alone"],
])("IAM %s is a fault, and the URL is not quoted", (_name, { url }: { url?: string }, says) => {
  const told = faults({
    TWOKEY_DATABASE_AUTH: "iam",
    ...(url !== undefined && { TWOKEY_DATABASE_URL: url }),
  }).join("\n");
  expect(told).toContain(says);
  expect(told).not.toMatch(/hunter2|evil\.example|db\.example\.com/);
});
