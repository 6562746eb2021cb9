/** `twokey policy schema`: JSON Schemas of the policy files, for an editor. Writes only where it is told to. */
import { Command } from "commander";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

const HELP = `
The files that twokey init writes name their schema in the first line; editors with the YAML language server then
complete and check while you type. After an upgrade of Twokey: twokey policy schema --out policies/.schema

Exit code: 0 printed or written, 2 wrong usage.`;

export function schemaCommand(): Command {
  return new Command("schema")
    .description("print the JSON Schemas of the policy files, for an editor")
    .option("--out <folder>", "write them into this folder, one file each, over those that stand there")
    .option("--json", "print them as JSON, by file name (as without it)")
    .addHelpText("after", HELP)
    .action(async ({ out }: { out?: string }) => {
      const [{ actionTable }, { jsonSchemas }] = await Promise.all([
        import("../../wire/tools.ts"),
        import("../../policy/schema/json-schema.ts"),
      ]);
      const schemas = jsonSchemas(actionTable());
      if (out === undefined) {
        const parsed = Object.entries(schemas).map(([name, text]) => [name, JSON.parse(text) as unknown]);
        process.stdout.write(`${JSON.stringify(Object.fromEntries(parsed), null, 2)}\n`);
        return;
      }
      await mkdir(out, { recursive: true });
      for (const [name, text] of Object.entries(schemas)) await writeFile(join(out, name), text);
      process.stdout.write(
        Object.keys(schemas)
          .map((name) => `${join(out, name)}\n`)
          .join(""),
      );
    });
}
