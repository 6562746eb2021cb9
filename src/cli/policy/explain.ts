/** `twokey policy explain`: what a template's session may and may never do, in plain words. Reads and reports. */
import { Command } from "commander";
import type { ExplainInput, Explanation, MayLine, ServiceExplanation } from "../../policy/explain.ts";
import type { Power } from "../../policy/explain-reach.ts";
import type { PolicyDocument } from "../../policy/iam/types.ts";
import type { Result } from "../../result.ts";
import { openTemplate, problemsOf, refuse, withTemplateOptions } from "./open-template.ts";
import type { OpenTemplate, TemplateOptions } from "./open-template.ts";
import { paint, wrap } from "./paint.ts";

const HELP = `
By service, destruction first: what the session may destroy, change and read, where, and what it never may; then
the session policy that is sent to STS, with its size. Without --param, parameters stand for themselves: <table>.
Without --account, the first account that the template is open in.

Examples:
  twokey policy explain staging-deploy
  twokey policy explain data-repair --param table=orders

Exit code: 0 explained, 1 refused or faults in the folder, 2 wrong usage.`;

export function explainCommand(): Command {
  return withTemplateOptions(
    new Command("explain").description("say in plain words what a template's session may and may never do"),
  )
    .addHelpText("after", HELP)
    .action(async (name: string, options: TemplateOptions) => {
      const open = await openTemplate(name, options);
      if (open === null) return;
      const input = await inputOf(open, options);
      if (!input.ok) {
        refuse(input.error, options.json);
        return;
      }
      const { explain } = await import("../../policy/explain.ts");
      const explanation = explain(open.prepared, input.value, open.table);
      process.stdout.write(
        `${options.json === true ? JSON.stringify(explanation, null, 2) : asText(explanation)}\n`,
      );
    });
}

/** With values, exactly what a mint would make of them; without, the template with its own placeholders. */
async function inputOf(
  { prepared, policy }: OpenTemplate,
  { account, param }: TemplateOptions,
): Promise<Result<ExplainInput, readonly string[]>> {
  const { template } = prepared;
  const open = policy.set.accounts.filter(({ id }) => template.accounts?.includes(id) ?? true);
  const bare = param === undefined && Object.keys(template.parameters).length > 0;
  if (!bare) {
    const { planSession } = await import("../../policy/decide.ts");
    const wish = { account: account ?? open[0]?.id ?? null, parameters: param ?? {}, durationSeconds: null };
    const plan = planSession(prepared, wish, policy);
    return plan.ok ? plan : { ok: false, error: problemsOf(plan.error) };
  }
  const chosen = account === undefined ? open[0] : open.find(({ id }) => id === account);
  if (chosen === undefined) {
    return { ok: false, error: [`${template.name} is not open in account ${account ?? "any"}`] };
  }
  const [{ compile }, { placeholderParameters }] = await Promise.all([
    import("../../policy/compile.ts"),
    import("../../policy/explain.ts"),
  ]);
  const parameters = placeholderParameters(template);
  const compiled = compile(prepared, { account: chosen, parameters });
  return compiled.ok
    ? { ok: true, value: { account: chosen, parameters, compiled: compiled.value } }
    : { ok: false, error: [`give --param: without values it does not compile (${compiled.error.reason})`] };
}

export function asText(explanation: Explanation): string {
  const { template, title, kind, role, account, duration, parameters, services, never, policy } = explanation;
  const vended = kind === "standing" ? "vended on request" : "vended once people have approved it";
  const values = Object.entries(parameters).map(([name, given]) => `${name} ${given.join(", ")}`);
  return [
    `${paint("bold", template)}: ${title}`,
    wrap(
      `${kind === "standing" ? "A" : "An"} ${kind} template, ${vended}, for ${lasting(duration.default)}, ${lasting(duration.max)} at most.`,
      0,
    ),
    `In account ${account.id} (${account.name}), as ${role}${values.length > 0 ? `, ${values.join(", ")}` : ""}.`,
    ...services.map(serviceText),
    "",
    paint("bold", "never, in any service"),
    ...never.map((sentence) => `  ${wrap(sentence, 2)}`),
    "",
    paint("bold", `session policy: ${policy.size} of ${policy.limit} characters`),
    statementByLine(policy.text),
    ...policy.published.flatMap(({ arn, text }) => ["", paint("bold", `and ${arn}`), statementByLine(text)]),
  ].join("\n");
}

/** The same JSON, a statement a line. */
function statementByLine(text: string): string {
  const { Version, Statement } = JSON.parse(text) as PolicyDocument;
  const statements = Statement.map((statement) => `  ${JSON.stringify(statement)}`).join(",\n");
  return `{"Version":${JSON.stringify(Version)},"Statement":[\n${statements}\n]}`;
}

const COLOURS: Readonly<Record<Power, "red" | "yellow" | "green">> = {
  destroy: "red",
  change: "yellow",
  read: "green",
};
const LABEL = 15;
/** Names of what is denied: enough to see what is meant. */
const SHOWN = 6;

function serviceText({ service, may, never }: ServiceExplanation): string {
  const lines = may.map(({ power, actions, count, where, sentence }) => {
    const patterns = actions.length === count ? "" : ` (${count} actions)`;
    const label = paint(COLOURS[power], `may ${power}`.padEnd(LABEL - 2));
    return `  ${label}${wrap(actions.join(", ") + patterns, LABEL)}\n${" ".repeat(LABEL)}${place(where, sentence)}`;
  });
  const more = never.length > SHOWN ? ` and ${never.length - SHOWN} more that destroy` : "";
  const denied = `${never.slice(0, SHOWN).join(", ")}${more}`;
  return [
    "",
    paint("bold", service),
    ...lines,
    ...(never.length > 0 ? [`  ${"never".padEnd(LABEL - 2)}${wrap(denied, LABEL)}`] : []),
  ].join("\n");
}

const place = (where: MayLine["where"], sentence: string): string =>
  paint(where.includes("anywhere") ? "dim" : "bold", wrap(sentence, LABEL));

function lasting(seconds: number): string {
  const [count, unit] =
    seconds % 3600 === 0 ? [seconds / 3600, "hour"] : [Math.round(seconds / 60), "minute"];
  return `${count} ${unit}${count === 1 ? "" : "s"}`;
}
