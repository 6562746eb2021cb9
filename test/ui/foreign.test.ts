/** Somebody else's words on our pages: shown whole, inert and flagged. */
import { renderToString } from "hono/jsx/dom/server";
import { expect, test } from "vitest";
import { Foreign } from "../../src/ui/foreign.tsx";
import { escalationPage } from "../../src/ui/escalation-page.tsx";
import { queuePage } from "../../src/ui/queue-page.tsx";
import { escalation, frame, queueRow, sessionEscalation } from "./page-fixtures.ts";

const draw = (text: string): string => renderToString(Foreign({ text }));
const flags = (text: string): string[] =>
  [...draw(text).matchAll(/class="flag">.*?<\/span>([^<]+)</g)].map(([, words]) => words ?? "");

const HIDDEN: readonly (readonly [string, string])[] = [
  ["right-to-left override", "202E"],
  ["left-to-right embedding", "202A"],
  ["isolates", "2066"],
  ["pop isolate", "2069"],
  ["left-to-right mark", "200E"],
  ["Arabic letter mark", "061C"],
  ["zero-width space", "200B"],
  ["zero-width joiner", "200D"],
  ["word joiner", "2060"],
  ["byte order mark", "FEFF"],
  ["a tag character", "E0041"],
  ["a variation selector that may carry a message", "E0101"],
  ["soft hyphen", "00AD"],
  ["Hangul filler", "3164"],
  ["Braille blank", "2800"],
  ["line separator", "2028"],
  ["backspace", "0008"],
  ["escape", "001B"],
  ["carriage return", "000D"],
  ["private use", "E000"],
];

test.each(HIDDEN)("case 41: %s (U+%s) is a visible box with a flag, and is not sent itself", (_name, hex) => {
  const character = String.fromCodePoint(Number.parseInt(hex, 16));
  const drawn = draw(`drop${character}nothing`);
  expect(drawn).toContain(`<mark class="hidden">⟨U+${hex}⟩</mark>`);
  expect(drawn).not.toContain(character);
  expect(flags(`drop${character}nothing`)).toEqual(["hidden characters"]);
});

test("case 41: markup is text", () => {
  expect(draw(`<script>alert("1")</script>`)).toContain("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;");
  expect(draw(`<img src=x onerror=alert(1)>`)).not.toContain("<img");
});

test.each([
  ["Cyrillic in a Latin word", "\u0440roduction"],
  ["Greek in a Latin word", "pr\u03BFd"],
  ["fullwidth letters", "\uFF50rod"],
  ["mathematical letters", "\u{1D429}\u{1D42B}\u{1D428}\u{1D41D}"],
  ["underscored names", "orders_\u0440rod"],
])("case 41: look-alikes: %s are marked and flagged", (_name, word) => {
  expect(draw(`delete ${word} now`)).toContain(`<mark class="lookalike">${word}</mark>`);
  expect(flags(`delete ${word} now`)).toEqual(["look-alike letters"]);
});

test.each([
  "Привет, мир",
  "Ελληνικά and English",
  "größer café naïve",
  "日本語のテキスト",
  "⚠️ done ✓",
  "a\n\tb",
  "5 µs",
])("honest text is not flagged: %s", (text) => {
  expect(draw(text)).toContain(text);
  expect(flags(text)).toEqual([]);
});

test("case 41: marks stacked on one letter cannot be drawn over the lines around it", () => {
  expect(flags(`a${"\u0301".repeat(40)}`)).toEqual(["hidden characters"]);
  expect(flags("a\u0301\u0323")).toEqual([]);
});

test("its direction is isolated from the page's", () => {
  expect(draw("שלום")).toMatch(/^<bdi dir="auto"/);
});

test("case 40: nothing is cut, however long", () => {
  const long = "word ".repeat(3000);
  expect(draw(long)).toContain(long);
});

test("case 41: every place of an escalation that an agent or another system fills is inert", () => {
  const evil = "\u202Eevil<u>";
  const session = sessionEscalation({
    reason: evil,
    task: { id: evil, intent: "destroy", summary: evil },
    proof: { issuer: evil, subject: evil },
    parameters: { stack: [evil] },
    could: [{ effect: "destroys", text: evil, actions: [evil], resources: [evil] }],
    adds: [evil],
    policyText: evil,
    changeSets: [
      {
        arn: evil,
        name: evil,
        stack: evil,
        description: evil,
        executionStatus: evil,
        changes: [
          {
            action: "Remove",
            logicalId: evil,
            physicalId: evil,
            type: evil,
            replacement: null,
            policyAction: evil,
            details: [evil],
          },
        ],
        tags: [{ key: evil, value: evil }],
        warnings: [evil],
      },
    ],
  });
  const why = { ok: false, why: evil } as const;
  const pages = [
    escalationPage(escalation({ session, mayApprove: why, mayDeny: why }), frame({ notices: [evil] })),
    queuePage({ mine: [queueRow({ reason: evil, title: evil })], others: [], decided: [] }, frame()),
  ];
  for (const page of pages) {
    expect(page).toContain("⟨U+202E⟩");
    expect(page).not.toMatch(/\u202E|<u>/);
  }
});
