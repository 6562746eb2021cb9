/** What the script tells a person: good news politely, bad news at once. Text only, never markup. */
import { Refused } from "./call.ts";

export function say(words: string): void {
  write("said", words);
  write("wrong", "");
}

export function sayWrong(error: unknown): void {
  write("said", "");
  write("wrong", inWords(error));
}

function write(id: string, words: string): void {
  const place = document.getElementById(id);
  if (place !== null) place.textContent = words;
}

/** The browser's own names for what went wrong with a passkey, in words. */
const PASSKEY_WORDS: Readonly<Record<string, string>> = {
  NotAllowedError:
    "The passkey prompt was closed, ran out of time, or there is no passkey of yours here. Nothing was changed.",
  AbortError: "The passkey prompt was closed. Nothing was changed.",
  InvalidStateError: "This device already holds a passkey of yours.",
  SecurityError: "Passkeys do not work at this address. Open the page under the broker’s own name.",
  NotSupportedError: "This device cannot make such a passkey.",
};

function inWords(error: unknown): string {
  if (error instanceof Refused) return error.message;
  const name = error instanceof Error ? error.name : "";
  return (
    PASSKEY_WORDS[name] ?? "Something went wrong in this page. Nothing was changed. Try again, or reload it."
  );
}
