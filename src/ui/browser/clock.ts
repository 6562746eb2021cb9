/** Lets the times left tick by the broker's clock, not this machine's, and tells when one is over. */
import { timeLeft } from "../time-words.ts";

/** `onOver` is called once for each time that runs out while the page is open. */
export function startTicking(onOver: () => void): void {
  let ahead = 0;
  const set = (): void => {
    const now = Date.parse(document.body.dataset["now"] ?? "");
    ahead = Number.isNaN(now) ? 0 : now - Date.now();
  };
  set();
  document.addEventListener("twokey:fresh", set);
  setInterval(() => {
    const now = new Date(Date.now() + ahead);
    let over = false;
    for (const time of document.querySelectorAll<HTMLElement>("[data-until]")) {
      const left = timeLeft(new Date(time.dataset["until"] ?? ""), now);
      if (left === null) {
        time.removeAttribute("data-until");
        over = true;
      }
      const words = left ?? "over";
      if (time.textContent !== words) time.textContent = words;
    }
    if (over) onOver();
  }, 1000);
}
