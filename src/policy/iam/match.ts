/**
 * Globs as IAM has them: `*` is any run of characters, `?` any one, everything else is itself. Always anchored at
 * both ends, never a regular expression, never exponential. Must not know what a policy is.
 *
 * In a Resource element the whole ARN is one string, so `*` crosses `:` and `/`. AWS publishes that a `*` ending an
 * ARN segment "can expand to match beyond the colon boundaries", and says nothing of one inside a segment; here it
 * crosses too. ArnLike and ArnEquals are different: operators.ts compares their six parts one by one.
 *
 * A character is a UTF-16 unit. `ignoreCase` folds ASCII letters only: with Unicode folding a look-alike such as
 * U+212A (Kelvin sign) would become the letter k.
 */

export interface GlobOptions {
  readonly ignoreCase?: boolean;
}

/** One piece of a pattern: with `wild`, `*` and `?` in it are wildcards; without, they are themselves. */
export interface GlobPiece {
  readonly text: string;
  readonly wild: boolean;
}

/** A compiled pattern: UTF-16 units, and two negative numbers for the wildcards. */
export interface Glob {
  readonly shape: "any" | "exact" | "prefix" | "general";
  /** The text without wildcards; of use for the shapes `exact` and `prefix` only. */
  readonly text: string;
  readonly codes: readonly number[];
}

const ANY_RUN = -1;
const ANY_ONE = -2;
/** Stands for every character that a pattern does not name. No UTF-16 unit is negative. */
const FRESH = -3;
/** Inclusion is exact below this much work; beyond it the answer is "not covered", which is the safe one. */
const COVER_STEPS = 50_000;

const STAR = 42;
const QUESTION = 63;
const COLON = 58;
const NOT_ASCII = /[\u0080-\uffff]/;

export function foldAscii(text: string): string {
  // Nearly all text is ASCII, and there the built-in folding is the same and many times faster.
  return NOT_ASCII.test(text)
    ? text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase())
    : text.toLowerCase();
}

export function globCodes(pieces: readonly GlobPiece[]): number[] {
  const codes: number[] = [];
  for (const { text, wild } of pieces) {
    for (let at = 0; at < text.length; at++) {
      const code = text.charCodeAt(at);
      if (wild && code === STAR) {
        if (codes.at(-1) !== ANY_RUN) codes.push(ANY_RUN);
      } else codes.push(wild && code === QUESTION ? ANY_ONE : code);
    }
  }
  return codes;
}

export function globFromCodes(codes: readonly number[]): Glob {
  const firstWild = codes.findIndex((code) => code < 0);
  // Not `fromCharCode(...codes)`: the number of arguments would be the pattern's length.
  const text = codes.reduce((all, code) => (code < 0 ? all : all + String.fromCharCode(code)), "");
  if (firstWild === -1) return { shape: "exact", text, codes };
  const endsWithRun = firstWild === codes.length - 1 && codes[firstWild] === ANY_RUN;
  return { shape: !endsWithRun ? "general" : text === "" ? "any" : "prefix", text, codes };
}

export const compileGlob = (pieces: readonly GlobPiece[]): Glob => globFromCodes(globCodes(pieces));

/** The same pattern cut at its first five literal colons: the six parts of an ARN, or fewer if it has fewer. */
export function arnPartsOfCodes(codes: readonly number[]): readonly Glob[] {
  const parts: Glob[] = [];
  let rest = codes;
  for (let colon = rest.indexOf(COLON); colon !== -1 && parts.length < 5; colon = rest.indexOf(COLON)) {
    parts.push(globFromCodes(rest.slice(0, colon)));
    rest = rest.slice(colon + 1);
  }
  parts.push(globFromCodes(rest));
  return parts;
}

export function matchesGlob(glob: Glob, value: string): boolean {
  switch (glob.shape) {
    case "any":
      return true;
    case "exact":
      return value === glob.text;
    case "prefix":
      return value.startsWith(glob.text);
    case "general":
      return matchesCodes(glob.codes, value);
  }
}

/** Greedy with one step back to the latest `*`: at worst pattern length times value length. */
function matchesCodes(codes: readonly number[], value: string): boolean {
  let at = 0;
  let pattern = 0;
  let run = -1;
  let resume = 0;
  while (at < value.length) {
    const code = codes[pattern];
    if (code === ANY_RUN) {
      run = pattern++;
      resume = at;
    } else if (code === ANY_ONE || code === value.charCodeAt(at)) {
      pattern++;
      at++;
    } else if (run !== -1) {
      pattern = run + 1;
      at = ++resume;
    } else return false;
  }
  while (codes[pattern] === ANY_RUN) pattern++;
  return pattern === codes.length;
}

export function globMatch(pattern: string, value: string, options: GlobOptions = {}): boolean {
  return options.ignoreCase === true
    ? matchesCodes(codesOf(pattern, options), foldAscii(value))
    : matchesCodes(codesOf(pattern, options), value);
}

const codesOf = (pattern: string, { ignoreCase = false }: GlobOptions): number[] =>
  globCodes([{ text: ignoreCase ? foldAscii(pattern) : pattern, wild: true }]);

/**
 * Whether every string that glob `narrow` matches is matched by glob `wide`. `true` is always right; `false` may be
 * wrong only for patterns so long and starry that the search was given up.
 *
 * Narrow's wildcards become a character that `wide` names nowhere: what `wide` accepts there, it accepts through a
 * wildcard of its own, whatever the character. So it is enough to run `wide` over narrow's text, with every number
 * of such characters for each `*`.
 */
export function globCovers(wide: string, narrow: string, options: GlobOptions = {}): boolean {
  const wideCodes = codesOf(wide, options);
  const narrowCodes = codesOf(narrow, options);
  const seen = new Set<string>();
  const todo: { readonly at: number; readonly states: readonly number[] }[] = [
    { at: 0, states: closure(wideCodes, [0]) },
  ];
  let steps = 0;
  for (let next = todo.pop(); next !== undefined; next = todo.pop()) {
    const { at, states } = next;
    const key = `${at}:${states.join()}`;
    if (seen.has(key)) continue;
    seen.add(key);
    steps += states.length + 1;
    if (states.length === 0 || steps > COVER_STEPS) return false;
    const code = narrowCodes[at];
    if (code === undefined) {
      if (!states.includes(wideCodes.length)) return false;
    } else if (code === ANY_RUN) {
      todo.push({ at: at + 1, states }, { at, states: advance(wideCodes, states, FRESH) });
    } else {
      todo.push({ at: at + 1, states: advance(wideCodes, states, code === ANY_ONE ? FRESH : code) });
    }
  }
  return true;
}

/** Places in the pattern reachable without reading: a `*` may match nothing. Sorted, without doubles. */
function closure(codes: readonly number[], states: readonly number[]): readonly number[] {
  const reached = new Set<number>();
  for (const start of states) {
    let state = start;
    reached.add(state);
    while (codes[state] === ANY_RUN) reached.add(++state);
  }
  return [...reached].sort((a, b) => a - b);
}

function advance(codes: readonly number[], states: readonly number[], read: number): readonly number[] {
  const next: number[] = [];
  for (const state of states) {
    const code = codes[state];
    if (code === ANY_RUN) next.push(state);
    else if (code === ANY_ONE || code === read) next.push(state + 1);
  }
  return closure(codes, next);
}

/** Whether some string is matched by both globs. Exact. */
export function globsMayOverlap(a: string, b: string, options: GlobOptions = {}): boolean {
  const left = codesOf(a, options);
  const right = codesOf(b, options);
  // possible[j]: the rest of `left` from the row's place and the rest of `right` from j share a string.
  let below: boolean[] = [];
  for (let i = left.length; i >= 0; i--) {
    const row: boolean[] = [];
    for (let j = right.length; j >= 0; j--) {
      const x = left[i];
      const y = right[j];
      if (x === undefined && y === undefined) row[j] = true;
      else if (x === ANY_RUN || y === ANY_RUN) {
        row[j] =
          (x !== undefined && below[j] === true && (x === ANY_RUN || y === ANY_RUN)) ||
          (y !== undefined && row[j + 1] === true);
      } else {
        const same = x !== undefined && y !== undefined && (x === y || x === ANY_ONE || y === ANY_ONE);
        row[j] = same && below[j + 1] === true;
      }
    }
    below = row;
  }
  return below[0] === true;
}
