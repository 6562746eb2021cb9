/** The policies served now, each template, and its playground. */
import { askPlayground } from "../../flows/show-playground.ts";
import { showPolicies, showTemplate } from "../../flows/show-policies.ts";
import type { Failure } from "../../failure.ts";
import type { Broker } from "../../flows/admit.ts";
import { err, ok, type Result } from "../../result.ts";
import type { PlaygroundData, TemplateData } from "../../ui/page-data.ts";
import { policiesPage } from "../../ui/policies-page.tsx";
import { templatePage } from "../../ui/template-page.tsx";
import type { PageRequest, PageRoute } from "../page-route.ts";
import { framed } from "./frame.ts";

export const policiesRoute: PageRoute = {
  caller: "person",
  method: "GET",
  path: "/policies",
  summary: "The templates served now",
  page: (broker, viewer) =>
    framed(broker, viewer, "policies", {
      data: Promise.resolve(ok(showPolicies(broker))),
      draw: policiesPage,
    }),
};

const FIELDS = ["parameters", "account", "action", "resource", "context"] as const;

/** The template's page with what was asked in its playground. */
function templateData(
  broker: Broker,
  { params, form }: PageRequest,
  ask: boolean,
): Result<{ readonly data: TemplateData; readonly playground: PlaygroundData }, Failure> {
  const template = params["template"] ?? "";
  const data = showTemplate(template, broker);
  if (data === null) return err({ code: "not_found" });
  const [parameters, account, action, resource, context] = FIELDS.map((name) => form.get(name) ?? "");
  const asked = {
    parameters: parameters ?? "",
    account: account ?? "",
    action: action ?? "",
    resource: resource ?? "",
    context: context ?? "",
  };
  const answer = ask ? askPlayground(template, asked, broker.policy) : null;
  return ok({ data, playground: { template, asked, answer } });
}

const page =
  (ask: boolean): PageRoute["page"] =>
  (broker, viewer, request) =>
    framed(broker, viewer, "policies", {
      data: Promise.resolve(templateData(broker, request, ask)),
      draw: ({ data, playground }, frame) => templatePage(data, playground, frame),
    });

export const templateRoute: PageRoute = {
  caller: "person",
  method: "GET",
  path: "/policies/:template",
  summary: "One template: in words, in source, its proof, a playground",
  page: page(false),
};

export const playgroundRoute: PageRoute = {
  caller: "person",
  method: "POST",
  path: "/policies/:template/playground",
  summary: "Ask the evaluator about a request; changes nothing",
  page: page(true),
};
