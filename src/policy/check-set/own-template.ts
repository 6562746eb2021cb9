/** Doctor's sessions stand in the record under a template's name, which is no template of the policy set. */
import { DOCTOR_TEMPLATE } from "../doctor/session.ts";
import type { PolicySet } from "../set.ts";
import type { Finding } from "./finding.ts";

export const ownTemplates = ({ templates }: PolicySet): readonly Finding[] =>
  templates
    .filter(({ name }) => name === DOCTOR_TEMPLATE)
    .map(({ file }) => ({
      level: "fault",
      file,
      path: ["name"],
      message: `\`${DOCTOR_TEMPLATE}\` is the name of Twokey's own sessions in the record`,
      fix: "choose another name",
    }));
