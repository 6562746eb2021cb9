/** An escalation template for one DynamoDB table: it takes no change set, so none has to be read before people are asked. */

const ORDERS = "arn:aws:dynamodb:us-east-1:111122223333:table/orders";

/** As YAML, for `templates/<name>.yaml`. */
export const tableEscalation = (
  name: string,
  { title, action }: { readonly title: string; readonly action: string } = {
    title: "Delete items of one table",
    action: "dynamodb:DeleteItem",
  },
): string => `name: ${name}
kind: escalation
title: ${title}
description: ${title}, exactly the one that two people approved.
role: escalated
intent: destroy
accounts: all
duration: { default: 15m, max: 30m }
parameters:
  table:
    description: ARN of the table.
    like: ["arn:aws:dynamodb:*:*:table/*"]
    longest: 128
allow:
  - Sid: Approved
    Action: ${action}
    Resource: \${table}
expect:
  - title: the approved table
    parameters: { table: "${ORDERS}" }
    action: ${action}
    resource: ${ORDERS}
    context: { "aws:ResourceTag/environment": production }
    decision: allowed
`;
