/** docs/approvals.md lists the routes there are. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ACTIONS } from "../../src/http/human-routes.ts";
import { PAGE_ROUTES } from "../../src/http/page-routes.ts";

const page = readFileSync(join(import.meta.dirname, "../../docs/approvals.md"), "utf8");

test("the table holds every action of the pages' script and no other", () => {
  const rows = [...page.matchAll(/^\| `POST (\S+)`/gm)].map(([, path]) => path);
  expect(rows.sort()).toEqual(ACTIONS.map(({ path }) => path).sort());
});

test("every page is named", () => {
  const pages = PAGE_ROUTES.filter(({ method }) => method === "GET").map(({ path }) => path);
  expect(pages.filter((path) => !page.includes(`\`${path}\``))).toEqual([]);
});
