/**
 * Whether an event matches a pattern, by the rules of EventBridge's user guide ("Comparison operators for use in event
 * patterns"): as much of them as Watch uses. Throws at an operator it does not know.
 */
type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

export function matches(pattern: Json, event: Json): boolean {
  return Object.entries(pattern).every(([key, wanted]) => {
    if (key === "$or") return (wanted as readonly Json[]).some((one) => matches(one, event));
    // A field below one that is absent is absent.
    if (isObject(wanted)) return matches(wanted, isObject(event[key]) ? event[key] : {});
    const found = event[key];
    const values = Array.isArray(found) ? (found as unknown[]) : [found];
    return (wanted as readonly unknown[]).some((one) => values.some((value) => accepts(one, value)));
  });
}

function accepts(wanted: unknown, value: unknown): boolean {
  if (!isObject(wanted)) return wanted === value;
  if ("exists" in wanted) return wanted["exists"] === (value !== undefined);
  if (value === undefined) return false;
  if ("anything-but" in wanted) return !accepts(wanted["anything-but"], value);
  if ("prefix" in wanted) return typeof value === "string" && value.startsWith(wanted["prefix"] as string);
  if ("equals-ignore-case" in wanted) {
    return (
      typeof value === "string" && value.toLowerCase() === String(wanted["equals-ignore-case"]).toLowerCase()
    );
  }
  if ("numeric" in wanted) {
    const [operator, than] = wanted["numeric"] as [string, number];
    if (operator === ">") return typeof value === "number" && value > than;
  }
  throw new Error(`an operator that this matcher does not know: ${JSON.stringify(wanted)}`);
}
