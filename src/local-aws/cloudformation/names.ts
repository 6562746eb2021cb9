/** What names stand for in one stack (parameters, pseudo parameters, resources), and the names it makes up. */
import { physicalSuffix, type Random } from "../random.ts";
import type { Names } from "./resolve.ts";
import type { Intention, Stack } from "./stack.ts";
import type { Json } from "./template.ts";

/** Attributes of resources that exist only as ids are not known. */
export const namesIn = (stack: Stack, intention: Intention): Names => ({
  ref: refs(stack, intention),
  attribute: (resource, attribute) => {
    const attributes = stack.resources.get(resource)?.made?.attributes ?? {};
    return Object.hasOwn(attributes, attribute) ? attributes[attribute] : undefined;
  },
});

/** Parameters, pseudo parameters and physical ids by name. */
const refs =
  (stack: Stack, intention: Intention) =>
  (name: string): Json | undefined => {
    const pseudo: ReadonlyMap<string, string> = new Map([
      ["AWS::AccountId", stack.account],
      ["AWS::Partition", "aws"],
      ["AWS::Region", stack.region],
      ["AWS::StackId", stack.id],
      ["AWS::StackName", stack.name],
      ["AWS::URLSuffix", "amazonaws.com"],
    ]);
    return parameter(intention, name) ?? pseudo.get(name) ?? stack.resources.get(name)?.physicalId;
  };

/** A list where the parameter is one. The value of one that names an SSM parameter is not known. */
function parameter(intention: Intention, name: string): Json | undefined {
  const value = intention.parameters.get(name);
  const type = intention.template.parameters.get(name)?.type ?? "";
  if (value === undefined || type.startsWith("AWS::SSM::Parameter::Value")) return undefined;
  return /^(?:CommaDelimitedList|List<.+>)$/.test(type) ? value.split(",").map((item) => item.trim()) : value;
}

/** As CloudFormation makes names up: the stack's and the resource's, cut to fit, and twelve random characters. */
export function madeUpName(random: Random, stack: Stack, logicalId: string, longest: number): string {
  const half = Math.floor((longest - 14) / 2);
  return `${stack.name.slice(0, half)}-${logicalId.slice(0, half)}-${physicalSuffix(random)}`;
}
