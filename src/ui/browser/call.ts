/** One call of the broker, as JSON. A refusal is an error whose message a person may read. */

export class Refused extends Error {
  override readonly name = "Refused";
}

/** Answers the JSON object; throws Refused with the problem's own words, or that the broker cannot be reached. */
export async function call(path: string, body: object): Promise<Record<string, unknown>> {
  const response = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    credentials: "same-origin",
    redirect: "error",
  }).catch(() => {
    throw new Refused("The broker cannot be reached. Nothing was changed that you have not been told of.");
  });
  const answer = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  if (response.ok) return answer;
  throw new Refused(
    textOf(answer, "detail") ?? textOf(answer, "title") ?? `The broker answered ${response.status}.`,
  );
}

export function textOf(answer: Record<string, unknown>, name: string): string | null {
  const value = answer[name];
  return typeof value === "string" && value !== "" ? value : null;
}

/** The same, where the contract promises it. */
export function needText(answer: Record<string, unknown>, name: string): string {
  const text = textOf(answer, name);
  if (text === null) throw new Refused("The broker’s answer could not be read.");
  return text;
}
