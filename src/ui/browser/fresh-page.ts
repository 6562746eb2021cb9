/**
 * Brings the page up to date in place: fetches it again and takes over its <main>, keeping what the reader is doing:
 * the open details, the typed text, the focus and the place on the page.
 */
import { say } from "./say.ts";

/** Where the page cannot be had the old one stays. */
export async function fetchFresh(): Promise<void> {
  const response = await fetch(location.href, { credentials: "same-origin" }).catch(() => null);
  if (response === null) return;
  if (response.redirected) {
    // Signed out meanwhile.
    location.assign(response.url);
    return;
  }
  if (!response.ok) return;
  takeOver(new DOMParser().parseFromString(await response.text(), "text/html"));
}

function takeOver(fresh: Document): void {
  const [old, next] = [document.querySelector("main"), fresh.querySelector("main")];
  if (old === null || next === null) return;
  keepOpen(old, next);
  keepTyped(old, next);
  const focused = placeOf(document.activeElement);
  const told = next.dataset["status"];
  const changed = told !== undefined && told !== old.dataset["status"];
  old.replaceWith(document.adoptNode(next));
  if (focused !== null) document.querySelector<HTMLElement>(focused)?.focus({ preventScroll: true });
  takeNavigation(fresh);
  document.body.dataset["now"] = fresh.body.dataset["now"];
  document.dispatchEvent(new Event("twokey:fresh"));
  if (changed) say(told);
}

/** How to find the same thing in the fresh page; null where the focus is on nothing of ours. */
function placeOf(focused: Element | null): string | null {
  if (focused === null) return null;
  if (focused.id !== "") return `#${CSS.escape(focused.id)}`;
  const folded = focused.closest("details[id]");
  if (focused.tagName === "SUMMARY" && folded !== null) return `#${CSS.escape(folded.id)} > summary`;
  const href = focused.getAttribute("href");
  return href === null ? null : `main a[href="${CSS.escape(href)}"]`;
}

function keepOpen(old: Element, next: Element): void {
  for (const details of old.querySelectorAll<HTMLDetailsElement>("details[id]")) {
    next.querySelector(`details#${CSS.escape(details.id)}`)?.toggleAttribute("open", details.open);
  }
}

function keepTyped(old: Element, next: Element): void {
  for (const typed of old.querySelectorAll<HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement>(
    "input[id], textarea[id], select[id]",
  )) {
    const same = next.querySelector(`#${CSS.escape(typed.id)}`);
    if (same !== null && same.tagName === typed.tagName) (same as HTMLInputElement).value = typed.value;
  }
}

/** What stands outside <main> and counts: the title and how many wait. */
function takeNavigation(fresh: Document): void {
  document.title = fresh.title;
  const [old, next] = [document.getElementById("waiting"), fresh.getElementById("waiting")];
  if (old !== null && next !== null) old.replaceWith(document.adoptNode(next));
}
