/** Colour for people: on a terminal, and not where NO_COLOR is set. A pipe gets plain text. */
const CODES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33 } as const;

export type Paint = (colour: keyof typeof CODES, text: string) => string;

export const paint: Paint = (colour, text) =>
  process.stdout.isTTY && process.env["NO_COLOR"] === undefined
    ? `\u001b[${CODES[colour]}m${text}\u001b[0m`
    : text;

/** Words into lines of at most `width` characters, each after `indent` spaces. A longer word has its own line. */
export function wrap(text: string, indent: number, width = 100): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && indent + line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join(`\n${" ".repeat(indent)}`);
}
