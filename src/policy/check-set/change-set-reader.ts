/** Nobody approves blind: where a change set can be executed, Twokey must be able to read it first. */
import { CHANGE_SET_READER, READER_AGENT } from "../change-set-reader.ts";
import { globMatch } from "../iam/match.ts";
import type { PolicySet } from "../set.ts";
import type { Finding } from "./finding.ts";

const EXECUTE = "cloudformation:ExecuteChangeSet";

export function unreadableChangeSets({ templates, registry }: PolicySet): readonly Finding[] {
  const readable = templates.some(({ name, kind }) => name === CHANGE_SET_READER && kind === "standing");
  const executing = templates.filter(
    ({ kind, allow }) =>
      kind === "escalation" &&
      allow.some(({ action }) => action.some((pattern) => globMatch(pattern, EXECUTE, { ignoreCase: true }))),
  );
  return [
    ...(readable ? [] : executing).map(({ file, name }): Finding => ({
      level: "fault",
      file,
      path: ["allow"],
      message: `\`${name}\` executes change sets, and there is no template \`${CHANGE_SET_READER}\` to read them with: nobody could be shown what they approve`,
      fix: `add templates/${CHANGE_SET_READER}.yaml as Twokey ships it`,
    })),
    ...registry.agents.flatMap(({ name }, index): readonly Finding[] =>
      name === READER_AGENT
        ? [
            {
              level: "fault",
              file: "agents.yaml",
              path: ["agents", index, "name"],
              message: `\`${READER_AGENT}\` is Twokey's own name in the record`,
              fix: "choose another name",
            },
          ]
        : [],
    ),
  ];
}
