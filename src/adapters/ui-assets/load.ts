/**
 * The pages' style sheets and script as the build left them in dist/ui. Read once, when the broker starts: what is
 * served is never looked up by a name that a request gave.
 */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

export interface UiAsset {
  /** Content type. */
  readonly type: string;
  readonly body: Uint8Array;
  /** Quoted, as the header has it. */
  readonly etag: string;
}

const TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
};

/** By file name, e.g. `twokey.css`. Throws where the pages were not built. */
export function loadUiAssets(folder = join(packageRoot(), "dist", "ui")): ReadonlyMap<string, UiAsset> {
  if (!existsSync(folder)) throw new Error(`the pages' files are missing from ${folder}: run npm run build`);
  const assets = readdirSync(folder).flatMap((name): [string, UiAsset][] => {
    const type = TYPES[name.slice(name.lastIndexOf("."))];
    if (type === undefined) return [];
    const body = readFileSync(join(folder, name));
    const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
    return [[name, { type, body, etag }]];
  });
  return new Map(assets);
}

/** Beside package.json, above both src/ and the bundle's dist/. */
function packageRoot(): string {
  let root = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(root, "package.json"))) {
    if (dirname(root) === root) throw new Error("the package's own folder is missing");
    root = dirname(root);
  }
  return root;
}
