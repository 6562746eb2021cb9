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
  /** What `pg_ctl stop -m immediate` does: every process quits at once, nothing is written down. */
  crash(): Promise<void>;
  /** Whether it runs: a full disk may end it by itself. */
  running(): boolean;
  /** Starts it again on the same data, however it ended. Resolves when it accepts connections. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

export interface PostgresPlace {
  /** Folder it is made in, instead of the machine's own for temporary files. */
  readonly parent?: string;
  /** More arguments of initdb. */
  readonly initdb?: readonly string[];
  /** More settings, `name=value`. */
  readonly settings?: readonly string[];
}

const binaries = findBinaries();
export const postgresInstalled = binaries !== null;

/** Null where PostgreSQL is not installed; `postgresInstalled` says so without starting it. */
export function startPostgres(place: PostgresPlace = {}): Promise<Postgres> | null {
  return binaries === null ? null : start(binaries, place);
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

async function start(bin: string, { parent, initdb = [], settings = [] }: PostgresPlace): Promise<Postgres> {
  // Short, and not below TMPDIR if that is deep: a socket's path has room for 107 characters.
  const folder = mkdtempSync(join(parent ?? tmpdir(), "twokey-pg-"));
  const user = unprivilegedUser();
  if (user !== null) {
    chownSync(folder, user.uid, user.gid);
    chmodSync(folder, 0o700);
  }
  const options = { ...user, cwd: folder };
  const data = join(folder, "data");
  const fresh = ["-D", data, "-U", "twokey", "-A", "trust", "-E", "UTF8", "--no-sync", ...initdb];
  execFileSync(join(bin, "initdb"), fresh, { ...options, stdio: "pipe" });
  const set = ["listen_addresses=", ...settings].flatMap((setting) => ["-c", setting]);
  const run = async (): Promise<ChildProcess> => {
    const child = spawn(join(bin, "postgres"), ["-D", data, "-k", folder, ...set], {
      ...options,
      stdio: ["ignore", "ignore", "pipe"],
    });
    await untilReady(child);
    return child;
  };
  let server = await run();
  const running = (): boolean => server.exitCode === null && server.signalCode === null;
  // At once, without a checkpoint.
  const kill = () => server.kill("SIGQUIT");
  process.once("exit", kill);
  const crash = async (): Promise<void> => {
    if (!running()) return;
    const gone = once(server, "exit");
    kill();
    await gone;
  };

  const urlOf = (name: string) => `postgres://twokey@localhost/${name}?host=${encodeURIComponent(folder)}`;
  return {
    url: urlOf("postgres"),
    database: scratchDatabases(urlOf),
    crash,
    running,
    restart: async () => {
      server = await run();
    },
    stop: async () => {
      await crash();
      process.off("exit", kill);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function scratchDatabases(urlOf: (name: string) => string): () => Promise<string> {
  let made = 0;
  return async () => {
    made += 1;
    const name = `scratch_${made}`;
    const client = new pg.Client(urlOf("template1"));
    await client.connect();
    await client.query(`CREATE DATABASE ${name} TEMPLATE template0`);
    await client.end();
    return urlOf(name);
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
