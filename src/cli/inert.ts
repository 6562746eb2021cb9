/** Foreign text on a terminal: agents' words, AWS's, a file's. Shows it; never lets it act. */

/** A terminal obeys control and direction characters. */
export function inert(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
}
