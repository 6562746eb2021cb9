/** The flags of the broker's settings, for each command that runs on its configuration. */
import type { Command } from "commander";
import { SETTINGS } from "../config.ts";

export type SettingOptions = Readonly<Record<string, string | boolean | undefined>>;

export function withSettings(command: Command): Command {
  for (const { flag, help, fallback } of Object.values(SETTINGS)) {
    if (flag === null) continue;
    const says = fallback === null ? help : `${help} (default ${fallback})`;
    if (fallback === "false") command.option(`--${flag}`, help);
    else command.option(`--${flag} <value>`, says);
  }
  return command.option("--config <file>", "settings as YAML or JSON");
}

/** Commander's camel-case names back to the flags' own. */
export function flagTexts(options: SettingOptions): Record<string, string | undefined> {
  const names = ["config", ...Object.values(SETTINGS).flatMap(({ flag }) => (flag === null ? [] : [flag]))];
  return Object.fromEntries(
    names.map((name) => {
      const value = options[name.replace(/-(\w)/g, (_all, letter: string) => letter.toUpperCase())];
      return [name, value === undefined ? undefined : String(value)];
    }),
  );
}
