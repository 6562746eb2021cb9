/**
 * The pages' one script: passkey ceremonies, live updates, ticking times. Without it every page can still be read;
 * nothing can be decided, since a decision is a passkey's signature.
 */
import { CEREMONIES, type Done } from "./ceremonies.ts";
import { startTicking } from "./clock.ts";
import { fetchFresh } from "./fresh-page.ts";
import { say, sayWrong } from "./say.ts";

/** A ceremony is under way: the page holds still until it is over. */
let busy = false;
let stale = false;

document.addEventListener("submit", (event) => {
  const form = event.target;
  if (!(form instanceof HTMLFormElement)) return;
  const ceremony = CEREMONIES[form.dataset["ceremony"] ?? ""];
  if (ceremony === undefined) return;
  event.preventDefault();
  if (busy) return;
  void hold(form, async () => {
    const done = await ceremony(form, new FormData(form));
    await finish(form, done);
  });
});

async function hold(form: HTMLFormElement, work: () => Promise<void>): Promise<void> {
  busy = true;
  form.setAttribute("aria-busy", "true");
  say("");
  await work().catch(sayWrong);
  form.removeAttribute("aria-busy");
  busy = false;
  if (stale) await refresh();
}

async function finish(form: HTMLFormElement, { next, words, link }: Done): Promise<void> {
  if (next !== null) {
    location.assign(next);
    return;
  }
  if (link === undefined) await fetchFresh();
  else showLink(form, link);
  say(words);
}

function showLink(form: HTMLFormElement, link: string): void {
  const output = form.querySelector("output");
  if (output === null) return;
  const anchor = document.createElement("a");
  anchor.href = link;
  anchor.textContent = link;
  output.replaceChildren(anchor);
}

async function refresh(): Promise<void> {
  if (busy) {
    stale = true;
    return;
  }
  stale = false;
  await fetchFresh();
}

/** Buttons come disabled: without this script they could do nothing. */
function enable(): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>("form[data-ceremony] button")) {
    button.disabled = false;
  }
}

function follow(): void {
  if (document.body.dataset["live"] === undefined) return;
  const events = new EventSource("/events");
  events.addEventListener("changed", () => void refresh());
  // What happened while the connection was gone was missed.
  let opened = false;
  events.addEventListener("open", () => {
    if (opened) void refresh();
    opened = true;
  });
}

enable();
document.addEventListener("twokey:fresh", enable);
startTicking(() => {
  say("The time is over.");
  void refresh();
});
follow();
