/** The image by its recipe: pinned, without rights, without a shell to run, made of what is needed. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const read = (name: string): string => readFileSync(join(import.meta.dirname, "../..", name), "utf8");
const lines = read("Dockerfile")
  .split("\n")
  .filter((line) => line !== "" && !line.startsWith("#"));
const of = (instruction: string, from = lines): readonly string[] =>
  from.filter((line) => line.startsWith(`${instruction} `)).map((line) => line.slice(instruction.length + 1));
const last = lines.slice(lines.findLastIndex((line) => line.startsWith("FROM ")));

test("every base is pinned by a digest that has no default, and none is latest", () => {
  const bases = of("FROM").map((line) => line.split(" ")[0]);
  expect(bases).toEqual([
    "node:24-bookworm-slim@${NODE_DIGEST}",
    "node:24-bookworm-slim@${NODE_DIGEST}",
    "gcr.io/distroless/nodejs24-debian12:nonroot@${DISTROLESS_DIGEST}",
  ]);
  // A default would be somebody else's choice, and none is one's own.
  expect(of("ARG")).toEqual(["NODE_DIGEST", "DISTROLESS_DIGEST", "RDS_CA_SHA256"]);
  expect(lines.join("\n")).not.toContain("latest");
});

test("what is fetched from elsewhere is held to a hash", () => {
  expect(of("ADD")).toHaveLength(1);
  expect(of("ADD")[0]).toContain(
    "--checksum=sha256:${RDS_CA_SHA256} https://truststore.pki.rds.amazonaws.com/",
  );
});

test("it runs as a user that is a number and not root", () => {
  expect(of("USER", last)).toEqual(["65532:65532"]);
});

test("it starts without a shell", () => {
  expect(of("ENTRYPOINT", last)).toEqual(['["/nodejs/bin/node", "dist/cli/main.js"]']);
  expect(of("CMD", last)).toEqual(['["serve"]']);
  expect(of("HEALTHCHECK", last)[0]).toContain('CMD ["/nodejs/bin/node", "-e", ');
  expect(of("RUN", last)).toEqual([]);
});

test("it holds the program, its production dependencies and the policy set, none of it the broker's to change", () => {
  const copied = of("COPY", last);
  for (const line of copied) expect(line).toMatch(/^--chown=0:0 /);
  expect(copied.map((line) => line.split(" ").at(-1))).toEqual(["node_modules", "dist", "policies", "./"]);
  expect(of("ENV", last)).toEqual(["NODE_ENV=production"]);
  expect(lines).toContain("RUN npm ci --omit=dev --ignore-scripts");
});

test("no secret is in the recipe, and the context has only what the recipe copies", () => {
  expect(lines.join("\n")).not.toMatch(/TOKEN|SECRET|PASSWORD|AWS_|_KEY/);
  const [everything, ...taken] = read(".dockerignore")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  expect(everything).toBe("*");
  const copied = of("COPY").filter((line) => !line.includes("--from="));
  const sources = copied.flatMap((line) =>
    line
      .replace(/^--\S+ /, "")
      .split(" ")
      .slice(0, -1),
  );
  expect(taken.map((line) => line.slice(1)).sort()).toEqual([...new Set(sources)].sort());
});

test("a policy set with faults makes no image", () => {
  expect(lines).toContain("RUN node dist/cli/main.js policy check policies");
});
