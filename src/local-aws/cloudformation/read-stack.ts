/** The CloudFormation calls that only look: stacks, events, resources, templates. */
import { ok } from "../../result.ts";
import type { Answer, Call, Operation } from "../call.ts";
import { type Answered, fault, invalid, notInLocalAws } from "../fault.ts";
import { page } from "../paging.ts";
import type { XmlStructure, XmlValue } from "../xml.ts";
import { neededCapability } from "./iam/real-types.ts";
import { tick } from "./life.ts";
import { noStack, readStackName, stackAsk, stackOf } from "./request.ts";
import type { Stack } from "./stack.ts";
import { parseTemplate, type Template } from "./template.ts";
import { eventXml, resourceSummaryXml, resourceXml, stackXml, summaryXml } from "./views.ts";

const PAGE = 100;

const paged = (call: Call, name: string, all: readonly XmlValue[]): Answered<Answer> => {
  const found = page(all, call.parameters.text("NextToken"), PAGE);
  return found.ok ? ok({ result: { [name]: found.value.items, NextToken: found.value.next } }) : found;
};

const stacksHere = (call: Call): readonly Stack[] =>
  [...call.caller.account.stacks.values()].filter((stack) => stack.region === call.region).reverse();

export const describeStacks: Operation = (call) => {
  const describe = (stacks: readonly Stack[]): Answered<Answer> => {
    for (const stack of stacks) tick(call, stack);
    return paged(call, "Stacks", stacks.map(stackXml));
  };
  if ((call.parameters.text("StackName") ?? "") === "")
    return ok({
      // Describing every stack takes both, as the published data says.
      asks: ["DescribeStacks", "ListStacks"].map((action) => ({
        action: `cloudformation:${action}`,
        resource: "*",
      })),
      run: () => describe(stacksHere(call).filter((stack) => stack.status !== "DELETE_COMPLETE")),
    });
  return onStack("DescribeStacks", (_, stack) => describe([stack]))(call);
};

/** An operation on the one stack that `StackName` names. */
const onStack =
  (action: string, run: (call: Call, stack: Stack) => Answered<Answer>): Operation =>
  (call) => {
    const name = readStackName(call);
    if (!name.ok) return name;
    return ok({
      asks: [stackAsk(call, action, name.value)],
      run: () => {
        const stack = stackOf(call, name.value);
        return stack === undefined ? noStack(name.value) : run(call, stack);
      },
    });
  };

export const listStacks: Operation = (call) => {
  const wanted = call.parameters.list("StackStatusFilter") ?? [];
  return ok({
    asks: [{ action: "cloudformation:ListStacks", resource: "*" }],
    run: () => {
      const stacks = stacksHere(call).filter((stack) => wanted.length === 0 || wanted.includes(stack.status));
      return paged(call, "StackSummaries", stacks.map(summaryXml));
    },
  });
};

export const describeStackEvents = onStack("DescribeStackEvents", (call, stack) =>
  paged(
    call,
    "StackEvents",
    [...stack.events].reverse().map((event) => eventXml(stack, event)),
  ),
);

export const describeStackResources: Operation = (call) => {
  if (call.parameters.text("PhysicalResourceId") !== undefined)
    return notInLocalAws("DescribeStackResources by physical id");
  return onStack("DescribeStackResources", (_, stack) => {
    const id = call.parameters.text("LogicalResourceId");
    const found = [...stack.resources.values()].filter(
      (resource) => id === undefined || resource.logicalId === id,
    );
    return ok({ result: { StackResources: found.map((resource) => resourceXml(stack, resource)) } });
  })(call);
};

export const listStackResources = onStack("ListStackResources", (call, stack) =>
  paged(call, "StackResourceSummaries", [...stack.resources.values()].map(resourceSummaryXml)),
);

export const getTemplate = onStack("GetTemplate", (call, stack) => {
  const named = call.parameters.text("ChangeSetName");
  const changeSet = [...call.caller.account.changeSets.values()].find(
    (item) => item.stackId === stack.id && (item.id === named || item.name === named),
  );
  if (named !== undefined && changeSet === undefined)
    return fault("ChangeSetNotFound", `ChangeSet [${named}] does not exist`, 404);
  const template = changeSet?.intention.template ?? stack.current?.template;
  return ok({
    result: { TemplateBody: template?.text ?? "", StagesAvailable: ["Original", "Processed"] },
  });
});

const templateUrlContext = (call: Call): Readonly<Record<string, string>> => {
  const url = call.parameters.text("TemplateURL");
  return url === undefined ? {} : { "cloudformation:TemplateUrl": url };
};

function sentTemplate(call: Call): Answered<Template> {
  const body = call.parameters.text("TemplateBody");
  if (body !== undefined) return parseTemplate(body);
  return call.parameters.text("TemplateURL") === undefined
    ? invalid("Either Template URL or Template Body must be specified.")
    : notInLocalAws("TemplateURL (templates in S3)");
}

export const validateTemplate: Operation = (call) =>
  ok({
    asks: [{ action: "cloudformation:ValidateTemplate", resource: "*", context: templateUrlContext(call) }],
    run: () => {
      const template = sentTemplate(call);
      return template.ok ? ok({ result: { ...described(template.value, false) } }) : template;
    },
  });

export const getTemplateSummary: Operation = (call) => {
  if (call.parameters.text("StackName") !== undefined)
    return onStack("GetTemplateSummary", (_, stack) =>
      stack.current === null ? noStack(stack.name) : ok({ result: described(stack.current.template, true) }),
    )(call);
  return ok({
    asks: [{ action: "cloudformation:GetTemplateSummary", resource: "*", context: templateUrlContext(call) }],
    run: () => {
      const template = sentTemplate(call);
      return template.ok ? ok({ result: described(template.value, true) }) : template;
    },
  });
};

const capabilityXml = (template: Template): XmlStructure => {
  const needed = neededCapability(template);
  if (needed === null) return {};
  return {
    Capabilities: [needed.name],
    CapabilitiesReason: `The following resource(s) require capabilities: [${needed.types.join(", ")}]`,
  };
};

const described = (template: Template, summary: boolean): XmlStructure => ({
  ...capabilityXml(template),
  Parameters: [...template.parameters].map(([key, parameter]) => ({
    ParameterKey: key,
    DefaultValue: parameter.defaultValue,
    ParameterType: summary ? parameter.type : null,
    NoEcho: parameter.noEcho,
    Description: parameter.description,
  })),
  Description: template.description,
  DeclaredTransforms: template.transforms,
  ResourceTypes: summary
    ? [...new Set([...template.resources.values()].map((resource) => resource.type))]
    : null,
  Version: summary ? template.version : null,
});
