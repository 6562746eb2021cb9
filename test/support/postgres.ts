/**
 * A throw-away PostgreSQL cluster for tests and benchmarks: the machine's own binaries, a temporary folder, a unix
 * socket, durable settings. PostgreSQL refuses to run as root, so root hands it to the user `postgres` or `nobody`.
 */
import pg from "pg";
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";

export interface Postgres {
  /** An empty database. */
  readonly url: string;
  /** Makes another empty database and answers its URL. */
  database(): Promise<string>;
  stop(): Promise<void>;
}

const binaries = findBinaries();
export const postgresInstalled = binaries !== null;

/** Null where PostgreSQL is not installed; `postgresInstalled` says so without starting it. */
export function startPostgres(): Promise<Postgres> | null {
  return binaries === null ? null : start(binaries);
}

/** Path of a program that comes with PostgreSQL, such as `pg_dump`; null where it is not beside the server. */
export function postgresTool(name: string): string | null {
  const path = binaries === null ? null : join(binaries, name);
  return path !== null && existsSync(path) ? path : null;
}

function findBinaries(): string | null {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...versions.map((version) => join(debian, version, "bin")),
    ...(process.env["PATH"] ?? "").split(delimiter),
  ];
  return (
    folders.find((folder) => ["initdb", "postgres"].every((name) => existsSync(join(folder, name)))) ?? null
  );
}

async function start(bin: string): Promise<Postgres> {
  // Short, and not below TMPDIR if that is deep: a socket's path has room for 107 characters.
  const folder = mkdtempSync(join(tmpdir(), "twokey-pg-"));
  const user = unprivilegedUser();
  if (user !== null) {
    chownSync(folder, user.uid, user.gid);
    chmodSync(folder, 0o700);
  }
  const options = { ...user, cwd: folder };
  const data = join(folder, "data");
  execFileSync(join(bin, "initdb"), ["-D", data, "-U", "twokey", "-A", "trust", "-E", "UTF8", "--no-sync"], {
    ...options,
    stdio: "pipe",
  });
  const server = spawn(join(bin, "postgres"), ["-D", data, "-k", folder, "-c", "listen_addresses="], {
    ...options,
    stdio: ["ignore", "ignore", "pipe"],
  });
  const kill = () => server.kill("SIGQUIT");
  process.once("exit", kill);
  await untilReady(server);

  const urlOf = (name: string) => `postgres://twokey@localhost/${name}?host=${encodeURIComponent(folder)}`;
  let made = 0;
  return {
    url: urlOf("postgres"),
    database: async () => {
      made += 1;
      const name = `scratch_${made}`;
      const client = new pg.Client(urlOf("template1"));
      await client.connect();
      await client.query(`CREATE DATABASE ${name} TEMPLATE template0`);
      await client.end();
      return urlOf(name);
    },
    stop: async () => {
      const gone = once(server, "exit");
      // At once, without a checkpoint: nobody opens this cluster again.
      kill();
      await gone;
      process.off("exit", kill);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function unprivilegedUser(): { readonly uid: number; readonly gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  for (const name of ["postgres", "nobody"]) {
    try {
      const id = (flag: string) => Number(execFileSync("id", [flag, name], { stdio: "pipe" }).toString());
      return { uid: id("-u"), gid: id("-g") };
    } catch {
      // No such user: the next one.
    }
  }
  return null;
}

/** Resolves when the server says that it accepts connections; rejects with its words if it ends first. */
async function untilReady(server: ChildProcess): Promise<void> {
  let said = "";
  await new Promise<void>((resolve, reject) => {
    server.once("exit", () => {
      reject(new Error(`PostgreSQL did not start: ${said}`));
    });
    server.stderr?.setEncoding("utf8").on("data", (text: string) => {
      said = (said + text).slice(-4_000);
      if (said.includes("ready to accept connections")) resolve();
    });
  });
}
