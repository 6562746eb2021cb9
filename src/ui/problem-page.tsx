/** A refusal as a page: what happened in plain words, and where to go on. */
import { renderDocument } from "./document.tsx";
import { Foreign } from "./foreign.tsx";
import type { Frame } from "./page-data.ts";

/** `next`: a path of ours to go on at, or null. */
export interface ProblemView {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly next: { readonly path: string; readonly label: string } | null;
}

export function problemPage({ status, title, detail, next }: ProblemView, frame: Frame): string {
  return renderDocument({
    title,
    frame,
    children: (
      <section class="narrow">
        <p class="over">Error {status}</p>
        <h1>{title}</h1>
        <p>
          <Foreign text={detail} />
        </p>
        {next !== null && (
          <p>
            <a href={next.path}>{next.label}</a>
          </p>
        )}
      </section>
    ),
  });
}
