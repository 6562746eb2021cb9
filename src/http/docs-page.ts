/**
 * The API's pages for people: the OpenAPI document and the problem codes as plain HTML. No script, nothing fetched,
 * so they work offline and under a policy that allows their one style sheet and nothing else.
 */
import { html, raw } from "hono/html";
import { createHash } from "node:crypto";
import type { OpenApiDocument } from "./openapi.ts";
import { PROBLEMS } from "./problem-kinds.ts";

const STYLE = `:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:52rem;margin:2rem auto;padding:0 1rem}
code,pre{font-family:ui-monospace,monospace;font-size:.9em}pre{overflow-x:auto;padding:1rem;border:1px solid #8886;border-radius:6px}
h2{margin-top:2.5rem}th,td{text-align:left;padding:.3rem 1rem .3rem 0;vertical-align:top}`;

export const DOCS_CSP = `default-src 'none'; style-src 'sha256-${createHash("sha256").update(STYLE).digest("base64")}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;

type Html = ReturnType<typeof html>;

function page(title: string, body: Html): string {
  const text = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>${title}</title>
        <style>
          ${raw(STYLE)}
        </style>
      </head>
      <body>
        ${body}
      </body>
    </html>`;
  if (text instanceof Promise) throw new Error("a page holds nothing asynchronous");
  return text.toString();
}

export function docsPage(document: OpenApiDocument): string {
  const routes = Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    (["get", "post"] as const).flatMap((method) => {
      const operation = item[method];
      return operation === undefined ? [] : [{ path, method, operation }];
    }),
  );
  const sections = routes.map(
    ({ path, method, operation }) => html`
      <h2><code>${method.toUpperCase()} ${path}</code></h2>
      <p>${operation.summary}. ${operation.description ?? ""}</p>
      <p>${(operation.security ?? []).length > 0 ? "Takes an agent's workload token." : "Open to anyone."}</p>
    `,
  );
  return page(
    "Twokey API",
    html`<h1>Twokey API</h1>
      <p>${document.info.description} Version ${document.info.version}.</p>
      <p><a href="/openapi.json">OpenAPI document</a> · <a href="/docs/problems">Problem codes</a></p>
      ${sections}
      <h2>Schemas</h2>
      <pre>${JSON.stringify(document.components?.schemas ?? {}, null, 2)}</pre>`,
  );
}

export function problemsPage(): string {
  const rows = Object.entries(PROBLEMS).map(
    ([code, { status, title }]) =>
      html`<tr id="${code}">
        <td><code>${code}</code></td>
        <td>${status}</td>
        <td>${title}</td>
      </tr>`,
  );
  return page(
    "Twokey problem codes",
    html`<h1>Problem codes</h1>
      <p>Every refusal is RFC 9457 problem details. Programs branch on <code>code</code>.</p>
      <table>
        <tr>
          <th>code</th>
          <th>status</th>
          <th>title</th>
        </tr>
        ${rows}
      </table>`,
  );
}
