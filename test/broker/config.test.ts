import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { loadConfig, type Config } from "../../src/config.ts";

const CWD = "/srv/twokey";

function load(
  env: Readonly<Record<string, string>>,
  flags: Readonly<Record<string, string>> = {},
): ReturnType<typeof loadConfig> {
  return loadConfig({ env, flags, cwd: CWD });
}

function value(result: ReturnType<typeof loadConfig>): Config {
  if (!result.ok) throw new Error(result.error.join("\n"));
  return result.value;
}

function configFile(text: string): string {
  const file = join(mkdtempSync(join(tmpdir(), "twokey-config-")), "twokey.yaml");
  writeFileSync(file, text);
  return file;
}

test("with nothing set, the broker is embedded and on loopback", () => {
  expect(value(load({}))).toEqual({
    listen: { host: "127.0.0.1", port: 8787 },
    policies: "/srv/twokey/policies",
    store: { url: null, folder: "/srv/twokey/.twokey/data" },
    keys: {
      auditKey: "/srv/twokey/.twokey/data/audit-key.pem",
      operatorToken: "/srv/twokey/.twokey/data/operator-token",
      watchToken: null,
    },
    sts: { region: null, endpoint: null, deadlineMs: 10_000 },
    logLevel: "info",
    awsEndpoint: null,
    publicUrl: null,
    passkeyDelaySeconds: 86_400,
    oidc: null,
    notify: { slack: null, webhook: null, email: null },
    auditExport: null,
    shutdownGraceMs: 20_000,
    dangerouslyAllowLoopbackHttpIssuers: false,
  });
});

test("flags win over the environment, and it over the file", () => {
  const config = configFile("log_level: warn\nlisten: 127.0.0.1:1\npolicies: /a\n");
  const env = { TWOKEY_CONFIG: config, TWOKEY_LISTEN: "127.0.0.1:2", TWOKEY_POLICIES: "/b" };
  const { logLevel, listen, policies } = value(load(env, { policies: "/c" }));
  expect([logLevel, listen.port, policies]).toEqual(["warn", 2, "/c"]);
});

test("a file may be JSON", () => {
  const config = configFile('{"listen": "127.0.0.1:0", "dangerously_allow_loopback_http_issuers": true}');
  const { listen, dangerouslyAllowLoopbackHttpIssuers } = value(load({}, { config }));
  expect([listen.port, dangerouslyAllowLoopbackHttpIssuers]).toEqual([0, true]);
});

test("a database URL replaces the embedded store", () => {
  expect(value(load({ TWOKEY_DATABASE_URL: "postgres://db.example.com/twokey" })).store).toEqual({
    url: "postgres://db.example.com/twokey",
    folder: null,
  });
});

describe("an address other than loopback", () => {
  const TLS = "TWOKEY_TLS_IS_TERMINATED_IN_FRONT";
  test.each(["0.0.0.0:8787", "[::]:8787", "10.0.0.7:8787", "broker.example.com:8787"])(
    "%s is refused",
    (listen) => {
      const result = load({ TWOKEY_LISTEN: listen });
      expect(result).toMatchObject({ ok: false });
      expect(JSON.stringify(result)).toContain("--tls-is-terminated-in-front");
    },
  );
  test("is taken when the operator states that TLS ends in front", () => {
    expect(
      value(
        load({
          TWOKEY_LISTEN: "0.0.0.0:8787",
          TWOKEY_PUBLIC_URL: "https://twokey.example.com",
          [TLS]: "true",
        }),
      ).listen.host,
    ).toBe("0.0.0.0");
  });
  test.each(["127.0.0.1:0", "127.9.9.9:1", "[::1]:8787", "localhost:8787"])("%s is loopback", (listen) => {
    expect(load({ TWOKEY_LISTEN: listen }).ok).toBe(true);
  });
});

test("every fault is told at once, each with where its value stands", () => {
  const config = configFile("shutdown_grace: 10m\npolicy: ./policies\n");
  const env = { TWOKEY_LISTEN: "0.0.0.0:8787", TWOKEY_LOG_LEVEL: "loud", TWOKEY_STS_ENDPOINT: "file:///etc" };
  const result = load(env, { config, "public-url": "nowhere" });
  if (result.ok) throw new Error("accepted");
  const told = result.error.join("\n");
  for (const part of [
    "unknown setting policy",
    "shutdown_grace in ",
    "TWOKEY_LISTEN: 0.0.0.0",
    "TWOKEY_LOG_LEVEL: ",
    "TWOKEY_STS_ENDPOINT: ",
    "--public-url: ",
  ]) {
    expect(told).toContain(part);
  }
  expect(result.error).toHaveLength(6);
});

test.each([
  ["no such file", join(tmpdir(), "twokey-none", "none.yaml")],
  ["broken YAML", configFile("a: [")],
  ["nested settings", configFile("listen: { host: a }")],
  ["a list", configFile("- listen")],
])("%s is a fault, not a crash", (_name, config) => {
  expect(load({}, { config }).ok).toBe(false);
});

test("the configuration cannot be changed afterwards", () => {
  const config = value(load({}));
  expect([Object.isFrozen(config), Object.isFrozen(config.store), Object.isFrozen(config.listen)]).toEqual([
    true,
    true,
    true,
  ]);
});

test("a file that cannot be parsed is not quoted: it may hold the database's password", () => {
  const config = configFile("database_url: postgres://twokey:CANARY@db.example.com/twokey\n  listen: : {");
  const result = load({}, { config });
  expect(result.ok).toBe(false);
  expect(JSON.stringify(result)).not.toContain("CANARY");
});
