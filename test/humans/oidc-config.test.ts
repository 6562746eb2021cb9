/** The settings of sign-in by OIDC. */
import { inspect } from "node:util";
import { expect, test } from "vitest";
import { loadConfig } from "../../src/config.ts";

const ALL = {
  TWOKEY_OIDC_ISSUER: "https://login.example.com",
  TWOKEY_OIDC_CLIENT_ID: "twokey",
  TWOKEY_OIDC_CLIENT_SECRET: "CANARYsecret",
};

const load = (env: Readonly<Record<string, string>>) => loadConfig({ env, flags: {}, cwd: "/srv" });
const faults = (env: Readonly<Record<string, string>>): readonly string[] => {
  const loaded = load(env);
  return loaded.ok ? [] : loaded.error;
};

test("without them people sign in with their passkeys", () => {
  const loaded = load({});
  expect(loaded.ok && loaded.value.oidc).toBe(null);
});

test("all three set it up, and the secret prints as nothing", () => {
  const loaded = load(ALL);
  if (!loaded.ok) throw new Error(loaded.error.join("\n"));
  expect(loaded.value.oidc).toMatchObject({ issuer: "https://login.example.com", clientId: "twokey" });
  expect(loaded.value.oidc?.clientSecret.reveal()).toBe("CANARYsecret");
  expect(inspect(loaded.value, { depth: 9 }) + JSON.stringify(loaded.value)).not.toContain("CANARY");
});

test.each(Object.keys(ALL))("%s alone is a fault for each that is missing", (name) => {
  const missing = Object.keys(ALL).filter((other) => other !== name);
  expect(faults({ [name]: ALL[name as keyof typeof ALL] })).toEqual(
    missing.map((other) => `${other}: is needed with ${name}`),
  );
});

test("a plain issuer is a fault, but on this machine with the dangerous flag", () => {
  const told = ["TWOKEY_OIDC_ISSUER: is a URL with https"];
  expect(faults({ ...ALL, TWOKEY_OIDC_ISSUER: "http://127.0.0.1:9" })).toEqual(told);
  const dangerous = { ...ALL, TWOKEY_DANGEROUSLY_ALLOW_LOOPBACK_HTTP_ISSUERS: "true" };
  expect(faults({ ...dangerous, TWOKEY_OIDC_ISSUER: "http://login.example.com" })).toEqual(told);
  expect(faults({ ...dangerous, TWOKEY_OIDC_ISSUER: "http://127.0.0.1:9" })).toEqual([]);
});

test("an issuer with a password, a query or a fragment is a fault that quotes nothing", () => {
  for (const issuer of [
    "https://u:CANARY@example.com",
    "https://example.com?CANARY",
    "https://example.com#CANARY",
  ]) {
    const [fault = ""] = faults({ ...ALL, TWOKEY_OIDC_ISSUER: issuer });
    expect(fault).toMatch(/^TWOKEY_OIDC_ISSUER: is a URL/);
    expect(fault).not.toContain("CANARY");
  }
});
