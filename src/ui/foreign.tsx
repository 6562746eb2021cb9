/**
 * Text that somebody else wrote, drawn inert: isolated from the direction of what stands around it, every hidden
 * character as a visible box, every deceiving word marked, and a flag in words. Never cuts, never links.
 */
import { foreignParts } from "./foreign-parts.ts";

export function Foreign({ text }: { readonly text: string }) {
  const parts = foreignParts(text);
  const has = (kind: string): boolean => parts.some((part) => part.kind === kind);
  return (
    <>
      <bdi dir="auto" class="foreign">
        {parts.map((part) => (part.kind === "text" ? part.text : <mark class={part.kind}>{part.text}</mark>))}
      </bdi>
      {has("hidden") && <Flag words="hidden characters" />}
      {has("lookalike") && <Flag words="look-alike letters" />}
    </>
  );
}

function Flag({ words }: { readonly words: string }) {
  return (
    <strong class="flag">
      <span aria-hidden="true">⚠ </span>
      {words}
    </strong>
  );
}

/** Whole words of an agent or a person, set apart from everything the broker itself says. */
export function ForeignQuote({ text, by }: { readonly text: string; readonly by: string }) {
  return (
    <blockquote class="words">
      <Foreign text={text} />
      <footer>{by}</footer>
    </blockquote>
  );
}
