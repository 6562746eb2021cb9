/** The schema stays inside what Aurora DSQL runs, so that the same broker can sit on a distributed engine. */
import { describe, expect, test } from "vitest";
import { MIGRATIONS } from "../../src/adapters/postgres/migrations.ts";

const statements = MIGRATIONS.flatMap((migration) => migration.statements);

describe("every migration statement", () => {
  test.each([
    ["a foreign key", /\bREFERENCES\b|\bFOREIGN\b/i],
    ["a trigger or function", /\bTRIGGER\b|\bFUNCTION\b/i],
    ["a sequence", /\bSERIAL\b|\bBIGSERIAL\b|\bSEQUENCE\b|\bIDENTITY\b|\bnextval\b/i],
    ["a JSON column", /\bjsonb?\b/i],
    ["an array column", /\[\]/],
    ["LISTEN or NOTIFY", /\bLISTEN\b|\bNOTIFY\b/i],
    [
      "a temporary or unlogged table, or an extension",
      /\bTEMP(ORARY)?\b|\bUNLOGGED\b|\bEXTENSION\b|\bTABLESPACE\b/i,
    ],
    ["a second statement", /;/],
  ])("has not %s", (_, forbidden) => {
    expect(statements.filter((statement) => forbidden.test(statement))).toEqual([]);
  });

  test("can run twice, since a crash or another replica can stand between any two", () => {
    const again =
      /^(CREATE (TABLE|(UNIQUE )?INDEX) IF NOT EXISTS|ALTER TABLE \w+ ADD COLUMN IF NOT EXISTS|INSERT INTO .* ON CONFLICT DO NOTHING$)/s;
    expect(statements.filter((statement) => !again.test(statement))).toEqual([]);
  });

  test("uses only plain column types", () => {
    const columns = statements
      .filter((statement) => statement.startsWith("CREATE TABLE"))
      .flatMap((statement) => statement.slice(statement.indexOf("(") + 1).split(/,(?![^(]*\))/))
      .map((column) => column.trim())
      .filter((column) => !column.startsWith("PRIMARY KEY"))
      .map((column) => column.split(/\s+/)[1]);
    expect(new Set(columns)).toEqual(new Set(["text", "timestamptz", "bigint", "integer"]));
  });

  test("migrations are numbered upwards from 1", () => {
    expect(MIGRATIONS.map((migration) => migration.id)).toEqual(MIGRATIONS.map((_, index) => index + 1));
  });
});
