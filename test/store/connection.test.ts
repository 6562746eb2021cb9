/** Entering PostgreSQL with a token for each connection: a real server that speaks TLS and asks for a password. */
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdtempSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectionOf, rdsTokens, type Entering } from "../../src/adapters/postgres/connection.ts";
import { openPostgres, type Database } from "../../src/adapters/postgres/sql.ts";
import { postgresInstalled, startPostgres, type Postgres } from "../support/postgres.ts";

const ENTER: Entering = { host: "db.example.com", port: 5432, user: "twokey" };

describe("a token of RDS", () => {
  test("is a signed request to connect as that user to that host, good for 15 minutes", async () => {
    const before = { ...process.env };
    // The example pair of AWS's own documentation.
    Object.assign(process.env, {
      AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
      AWS_SECRET_ACCESS_KEY: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
      AWS_REGION: "eu-west-1",
    });
    try {
      const token = new URL(`https://${await (await rdsTokens())(ENTER)}`);
      expect([token.host, token.pathname]).toEqual(["db.example.com:5432", "/"]);
      const query = Object.fromEntries(token.searchParams);
      expect(query).toMatchObject({
        Action: "connect",
        DBUser: "twokey",
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Expires": "900",
      });
      expect(query["X-Amz-Credential"]).toMatch(
        /^AKIAIOSFODNN7EXAMPLE\/\d{8}\/eu-west-1\/rds-db\/aws4_request$/,
      );
    } finally {
      process.env = before;
    }
  });

  test("is made for no server that is not verified", () => {
    for (const query of ["", "?sslmode=require&sslrootcert=ca.pem", "?sslmode=verify-full"]) {
      const make = () => connectionOf(`postgres://twokey@db.example.com/twokey${query}`, async () => "token");
      expect(make, query).toThrow("verified server alone");
    }
  });
});

/** A CA, and a certificate of it for `localhost`. */
function certificates(folder: string): void {
  const openssl = (...words: string[]) => execFileSync("openssl", words, { cwd: folder, stdio: "pipe" });
  const fresh = ["-newkey", "rsa:2048", "-nodes", "-days", "2"];
  openssl("req", "-x509", ...fresh, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Test CA");
  openssl(
    "req",
    ...fresh.slice(0, 3),
    "-keyout",
    "server.key",
    "-out",
    "server.csr",
    "-subj",
    "/CN=localhost",
  );
  writeFileSync(join(folder, "names.txt"), "subjectAltName=DNS:localhost\n");
  const by = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names.txt"];
  openssl("x509", "-req", "-in", "server.csr", "-out", "server.pem", ...by);
  openssl("req", "-x509", ...fresh, "-keyout", "other.key", "-out", "other.pem", "-subj", "/CN=Other CA");
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}

describe.skipIf(!postgresInstalled)("a real server with TLS", () => {
  let server: Postgres;
  let folder: string;
  let port: number;
  let password = "first";
  const asked: Entering[] = [];

  const open = (host = "localhost", ca = "ca.pem"): Promise<Database> =>
    openPostgres(
      `postgres://iam%2Fuser@${host}:${port}/postgres?sslmode=verify-full&sslrootcert=${join(folder, ca)}`,
      {
        maxConnections: 2,
        timeoutMs: 5_000,
        makeToken: async (entering) => {
          asked.push(entering);
          return password;
        },
      },
    );

  let admin: Database;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "twokey-tls-"));
    certificates(folder);
    port = await freePort();
    const starting = startPostgres({
      settings: ["listen_addresses=127.0.0.1", `port=${port}`],
    });
    if (starting === null) throw new Error("PostgreSQL is not installed");
    server = await starting;
    const data = join(new URL(server.url).searchParams.get("host") ?? "", "data");
    for (const name of ["server.key", "server.pem"]) copyFileSync(join(folder, name), join(data, name));
    const owner = String(readFileOwner(data));
    execFileSync("chown", [owner, join(data, "server.key"), join(data, "server.pem")]);
    chmodSync(join(data, "server.key"), 0o600);
    const rules = readFileSync(join(data, "pg_hba.conf"), "utf8").replaceAll(/^host.*$/gm, "");
    writeFileSync(join(data, "pg_hba.conf"), `${rules}\nhostssl all all 127.0.0.1/32 password\n`);
    admin = await openPostgres(`${server.url}&port=${port}`, { maxConnections: 1, timeoutMs: 5_000 });
    const settings = ["ssl_cert_file = 'server.pem'", "ssl_key_file = 'server.key'", "ssl = on"];
    for (const setting of settings) await admin.query(`ALTER SYSTEM SET ${setting}`, []);
    await admin.query("SELECT pg_reload_conf()", []);
    await admin.query(`CREATE ROLE "iam/user" LOGIN PASSWORD 'first'`, []);
    expect(readdirSync(data)).toContain("server.pem");
  });
  afterAll(async () => {
    await admin.close();
    await server.stop();
  });

  const who = `SELECT current_user AS me, (SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()) AS tls`;

  test("each connection asks for a token of its own, and goes on when the last one is over", async () => {
    const db = await open();
    try {
      expect(await db.query(who, [])).toEqual([{ me: "iam/user", tls: true }]);
      const first = asked.length;
      expect(asked[0]).toEqual({ host: "localhost", port, user: "iam/user" });
      // The old token is good for nothing from here on, and so is every connection that was made with it.
      password = "second";
      await admin.query(`ALTER ROLE "iam/user" PASSWORD 'second'`, []);
      await admin.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'iam/user'`,
        [],
      );
      await expect.poll(() => db.query(who, []).catch(() => null)).toEqual([{ me: "iam/user", tls: true }]);
      expect(asked.length).toBeGreaterThan(first);
    } finally {
      await db.close();
    }
  });

  test("a server that another authority vouches for gets no token", async () => {
    const before = asked.length;
    const db = await open("localhost", "other.pem");
    await expect(db.query(who, [])).rejects.toThrow(/certificate/);
    await db.close();
    expect(asked.length).toBe(before);
  });

  test("a server by another name than its certificate's gets no token", async () => {
    const before = asked.length;
    const db = await open("127.0.0.1");
    await expect(db.query(who, [])).rejects.toThrow(/does not match/);
    await db.close();
    expect(asked.length).toBe(before);
  });
});

function readFileOwner(path: string): number {
  return Number(execFileSync("stat", ["-c", "%u", path]).toString());
}
