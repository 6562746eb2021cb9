import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SETTINGS } from "../../src/config.ts";
import { PROBLEMS } from "../../src/http/problem-kinds.ts";
import { ROUTES } from "../../src/http/routes.ts";

/** Rows of the first table below a page's heading row, cell by cell without back-quotes. */
function table(page: string, firstHeading: string): string[][] {
  const lines = readFileSync(join(import.meta.dirname, "../../docs", page), "utf8").split("\n");
  const start = lines.findIndex((line) => line.startsWith(`| ${firstHeading} |`));
  const rest = lines.slice(start + 2);
  const end = rest.findIndex((line) => !line.startsWith("|"));
  return rest.slice(0, end === -1 ? undefined : end).map((line) =>
    line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll("`", "")),
  );
}

test("docs/configuration.md names every setting with its flag, variable and default", () => {
  const words: Readonly<Record<string, string>> = {
    audit_key_file: "audit-key.pem in the data folder",
    operator_token_file: "operator-token in the data folder",
    sts_region: "each account's own",
    sts_endpoint: "AWS's",
    aws_endpoint: "AWS's",
  };
  expect(table("configuration.md", "key in the file")).toEqual(
    Object.values(SETTINGS).map(({ key, env, flag, fallback }) => [
      key,
      env,
      flag === null ? "" : `--${flag}`,
      fallback ?? words[key] ?? "",
    ]),
  );
});

test("docs/api.md names every route with its caller", () => {
  const rows = table("api.md", "route").map(([route, caller]) => [route, caller]);
  expect(rows).toEqual(
    ROUTES.map(({ method, path, caller }) => [`${method} ${path}`, caller === "public" ? "anyone" : caller]),
  );
});

test("docs/api.md names every problem code with its status", () => {
  const rows = table("api.md", "code").map(([code, status]) => [code, Number(status)]);
  expect(rows).toEqual(Object.entries(PROBLEMS).map(([code, { status }]) => [code, status]));
});
