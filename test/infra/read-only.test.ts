/** The built broker as the container runs it: its keys by environment, its record in PostgreSQL, and no file it may write. */
import { spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { postgresInstalled, startPostgres } from "../support/postgres.ts";

const ROOT = join(import.meta.dirname, "../..");
/** Node refuses every write of a file, wherever it is. */
const flag = process.allowedNodeEnvironmentFlags.has("--permission")
  ? "--permission"
  : "--experimental-permission";
const READ_ONLY = [flag, "--allow-fs-read=*"];

test.skipIf(!postgresInstalled)(
  "a broker that may write no file starts, is ready, and stops with its record",
  async () => {
    const postgres = await startPostgres();
    if (postgres === null) throw new Error("PostgreSQL is not installed");
    const pem = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    const child = spawn(process.execPath, [...READ_ONLY, join(ROOT, "dist/cli/main.js"), "serve"], {
      env: {
        PATH: process.env["PATH"],
        NODE_ENV: "production",
        NODE_NO_WARNINGS: "1",
        TWOKEY_LISTEN: "127.0.0.1:0",
        TWOKEY_POLICIES: join(ROOT, "policies"),
        TWOKEY_DATABASE_URL: postgres.url,
        TWOKEY_AUDIT_KEY: pem,
        TWOKEY_OPERATOR_TOKEN: "operator-token-0123456789-0123456789-0123456789",
      },
      stdio: ["ignore", "pipe", "ignore"],
    });
    const ended = once(child, "exit");
    try {
      const url = await startedAt(child.stdout);
      expect((await fetch(`${url}/readyz`)).status).toBe(200);
      child.kill("SIGTERM");
      expect((await ended)[0]).toBe(0);
    } finally {
      child.kill("SIGKILL");
      await postgres.stop();
    }
  },
);

async function startedAt(output: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: output })) {
    const { msg, url } = JSON.parse(line) as { msg?: string; url?: string };
    if (msg === "broker started" && url !== undefined) return url;
  }
  throw new Error("the broker ended before it started");
}
