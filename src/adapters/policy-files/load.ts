/**
 * Reads the policy folder and hands its text to policy/. Reads nothing outside the folder and nothing without a
 * bound; what the text means is decided in policy/.
 */
import { open, readdir, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import { checkSet, examineSet, type Examination } from "../../policy/check-set.ts";
import type { ActionTable } from "../../policy/knowledge.ts";
import { inOrder, type PolicyFile } from "../../policy/parse-set.ts";
import type { ServedPolicy } from "../../policy/serve.ts";
import type { PolicyFault } from "../../policy/set.ts";
import { err, ok, type Result } from "../../result.ts";

const MOST_FILES = 500;
/** Above policy/'s own limit in characters, so that its message is the one people read. */
const MOST_BYTES = 512 * 1024;
/** Readings of a folder that will not come to rest. */
const READINGS = 5;

/** The set ready to be served: parsed, every template prepared, every expectation met. */
export async function loadPolicyFolder(
  folder: string,
  table: ActionTable,
): Promise<Result<ServedPolicy, readonly PolicyFault[]>> {
  const { files, faults } = await readAtRest(folder);
  if (files.length === 0 && faults.length > 0) return err(faults);
  const checked = checkSet(files, table);
  if (faults.length === 0) return checked;
  return err(withUnread(faults, checked.ok ? [] : checked.error));
}

/** A file that could not be read is not "missing" as well. */
function withUnread(unread: readonly PolicyFault[], others: readonly PolicyFault[]): readonly PolicyFault[] {
  const files = new Set(unread.map(({ file }) => file));
  return [...unread, ...others.filter(({ file }) => !files.has(file))].sort(inOrder);
}

/** The same with all there is to say: warnings, sizes, reach. What cannot be read is among the faults. */
export async function examinePolicyFolder(folder: string, table: ActionTable): Promise<Examination> {
  const { files, faults } = await readAtRest(folder);
  if (files.length === 0 && faults.length > 0) return { served: null, faults, warnings: [], templates: [] };
  const examined = examineSet(files, table);
  if (faults.length === 0) return examined;
  return { ...examined, served: null, faults: withUnread(faults, examined.faults) };
}

/** The text alone, for whoever writes into the folder. `err`: what cannot be read, a line each. */
export async function readPolicyFolder(
  folder: string,
): Promise<Result<readonly PolicyFile[], readonly string[]>> {
  const { files, faults } = await readAtRest(folder);
  return faults.length > 0 ? err(faults.map(({ file, message }) => `${file}: ${message}`)) : ok(files);
}

interface Files {
  readonly files: readonly PolicyFile[];
  readonly faults: readonly PolicyFault[];
}

async function readAtRest(folder: string): Promise<Files> {
  const message = "the folder kept changing while it was read";
  const fault = { file: ".", line: 1, column: 1, message, fix: "try again" };
  return (await untilTwoAgree(() => readFiles(folder))) ?? { files: [], faults: [fault] };
}

/**
 * While a ConfigMap's link is swapped, or a checkout runs, one reading may hold files of two sets, which together are
 * nobody's policy. Null when no two readings in a row agree.
 */
export async function untilTwoAgree<T>(read: () => Promise<T>): Promise<T | null> {
  let before = await read();
  for (let reading = 1; reading < READINGS; reading++) {
    const now = await read();
    if (JSON.stringify(now) === JSON.stringify(before)) return now;
    before = now;
  }
  return null;
}

async function readFiles(folder: string): Promise<Files> {
  const faults: PolicyFault[] = [];
  const fault = (file: string, message: string): void => {
    faults.push({ file, line: 1, column: 1, message, fix: null });
  };
  let root: string;
  let names: readonly string[];
  try {
    root = await realpath(folder);
    names = await namesIn(root);
  } catch (error) {
    fault(".", `the folder cannot be read: ${codeOf(error)}`);
    return { files: [], faults };
  }
  if (names.length > MOST_FILES) {
    fault(".", `the folder holds more than ${MOST_FILES} files`);
    return { files: [], faults };
  }
  const files: PolicyFile[] = [];
  for (const name of names) {
    const text = await readInside(root, name);
    if (typeof text === "string") files.push({ name, text });
    else fault(name, text.problem);
  }
  return { files, faults };
}

/**
 * Names in the folder and in templates/, with `/`. Names that start with a dot are not policy: version control,
 * and the hidden folders behind the links of a Kubernetes ConfigMap.
 */
async function namesIn(root: string): Promise<readonly string[]> {
  const visible = async (path: string): Promise<readonly string[]> =>
    (await readdir(path)).filter((name) => !name.startsWith(".")).sort();
  const top = await visible(root);
  if (!top.includes("templates")) return top;
  const inner = await realpath(join(root, "templates"));
  // A templates link that leads elsewhere stays one name, and is refused as a file.
  if (!inner.startsWith(root + sep)) return top;
  const templates = await visible(inner).catch(() => null);
  if (templates === null) return top;
  return [...top.filter((name) => name !== "templates"), ...templates.map((name) => `templates/${name}`)];
}

async function readInside(root: string, name: string): Promise<string | { readonly problem: string }> {
  try {
    const path = await realpath(join(root, name));
    if (!path.startsWith(root + sep)) return { problem: "the link leads out of the policy folder" };
    const file = await open(path, "r");
    try {
      if (!(await file.stat()).isFile()) return { problem: "this is not a file" };
      const buffer = Buffer.alloc(MOST_BYTES + 1);
      let length = 0;
      for (let read = 1; read > 0 && length < buffer.length; length += read) {
        read = (await file.read(buffer, length, buffer.length - length)).bytesRead;
      }
      if (length > MOST_BYTES) return { problem: `the file is longer than ${MOST_BYTES} bytes` };
      return new TextDecoder("utf-8", { fatal: true }).decode(buffer.subarray(0, length));
    } finally {
      await file.close();
    }
  } catch (error) {
    return { problem: `cannot be read: ${codeOf(error)}` };
  }
}

function codeOf(error: unknown): string {
  if (error instanceof Error && "code" in error && typeof error.code === "string") {
    return error.code === "ERR_ENCODING_INVALID_ENCODED_DATA" ? "it is not UTF-8" : error.code;
  }
  throw error;
}
