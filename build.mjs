// Bundles src/ into dist/ with one chunk a subcommand, so that `twokey credential-process` starts without
// loading the broker. Dependencies stay outside the bundle. What browsers get stands whole in dist/ui.
import { build } from "esbuild";
import { chmodSync, copyFileSync, existsSync, renameSync, rmSync } from "node:fs";

// Beside dist/, and then in its place: what runs from there meanwhile must not find it half made.
const made = `dist-${process.pid}`;
await build({
  entryPoints: { "cli/main": "src/cli/main.ts" },
  outdir: made,
  bundle: true,
  splitting: true,
  format: "esm",
  platform: "node",
  target: "node20.19",
  packages: "external",
  sourcemap: "linked",
  banner: { js: "#!/usr/bin/env node" },
  logLevel: "warning",
});
chmodSync(`${made}/cli/main.js`, 0o755);

await build({
  entryPoints: ["src/ui/browser/twokey.ts", "src/ui/twokey.css"],
  outdir: `${made}/ui`,
  entryNames: "[name]",
  bundle: true,
  minify: true,
  format: "esm",
  platform: "browser",
  target: ["chrome120", "firefox121", "safari17"],
  logLevel: "warning",
});
copyFileSync("src/ui/twokey.svg", `${made}/ui/twokey.svg`);
copyFileSync("node_modules/@picocss/pico/css/pico.classless.min.css", `${made}/ui/pico.css`);

if (existsSync("dist")) renameSync("dist", `${made}-old`);
renameSync(made, "dist");
rmSync(`${made}-old`, { recursive: true, force: true });
