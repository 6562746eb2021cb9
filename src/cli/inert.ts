/** Foreign text on a terminal: agents' words, AWS's, a file's. Shows it; never lets it act. */

/** Control, direction and invisible characters: a terminal obeys them, or hides them. */
export const OBEYED = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

export function inert(text: string): string {
  return text.replace(OBEYED, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}
