/**
 * Takes text that an agent or another system wrote apart into what can be shown as it is and what would deceive its
 * reader: characters that show nothing or turn the direction, and words that mix alphabets. Pure; drops nothing, so
 * that what is shown holds every character that was sent.
 */

export type ForeignPart =
  | { readonly kind: "text"; readonly text: string }
  /** `text` is what stands for the character, e.g. `⟨U+202E⟩`. */
  | { readonly kind: "hidden"; readonly text: string }
  | { readonly kind: "lookalike"; readonly text: string };

/**
 * Control, format, private-use, lone surrogate, separator and default-ignorable characters, and the Braille blank.
 * Line feed and tab stay: they show as what they are.
 */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{DI}\u2800]/u;
const WORD = /[\p{L}\p{M}\p{N}_]+/gu;
const ALPHABETS = [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u, /\p{Script=Armenian}/u];
/** More marks on one letter than any language writes: they would be drawn over the lines around it. */
const MOST_MARKS = 3;

export function foreignParts(text: string): readonly ForeignPart[] {
  const parts: ForeignPart[] = [];
  let plain = "";
  const flush = (): void => {
    parts.push(...wordsOf(plain));
    plain = "";
  };
  let marks = 0;
  let before = "";
  for (const character of text) {
    marks = /\p{M}/u.test(character) ? marks + 1 : 0;
    if (isHidden(character, before) || marks > MOST_MARKS) {
      flush();
      parts.push({ kind: "hidden", text: codePoint(character) });
    } else plain += character;
    before = character;
  }
  flush();
  return parts;
}

function isHidden(character: string, before: string): boolean {
  if (character === "\n" || character === "\t") return false;
  // Asks for the coloured form of the emoji before it; anywhere else it hides something.
  if (character === "\uFE0F" && /\p{Extended_Pictographic}/u.test(before)) return false;
  return HIDDEN.test(character);
}

function codePoint(character: string): string {
  const hex = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return `⟨U+${hex}⟩`;
}

function wordsOf(text: string): readonly ForeignPart[] {
  const parts: ForeignPart[] = [];
  let from = 0;
  for (const { 0: word, index } of text.matchAll(WORD)) {
    if (!looksAlike(word)) continue;
    if (index > from) parts.push({ kind: "text", text: text.slice(from, index) });
    parts.push({ kind: "lookalike", text: word });
    from = index + word.length;
  }
  if (from < text.length) parts.push({ kind: "text", text: text.slice(from) });
  return parts;
}

/** Two alphabets in one word, or a letter that only dresses up as one of a to z (fullwidth, mathematical). */
function looksAlike(word: string): boolean {
  if (/^\w+$/.test(word)) return false;
  if (ALPHABETS.filter((alphabet) => alphabet.test(word)).length > 1) return true;
  for (const letter of word) {
    if (/[^\p{ASCII}]/u.test(letter) && /\p{L}/u.test(letter) && /^[a-z]+$/i.test(letter.normalize("NFKC")))
      return true;
  }
  return false;
}
