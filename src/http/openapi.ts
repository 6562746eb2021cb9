/** The OpenAPI document, made from the route table once at start. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { problemSchema } from "./answer-schemas.ts";
import type { Route } from "./routes.ts";

/** Plain OpenAPI 3.1. */
export type OpenApiDocument = ReturnType<OpenAPIHono["getOpenAPI31Document"]>;

export function documentRoutes(
  app: OpenAPIHono,
  routes: readonly Route[],
  about: { readonly version: string; readonly publicUrl: string | null },
): OpenApiDocument {
  app.openAPIRegistry.registerComponent("securitySchemes", "workloadToken", {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description: "The agent's workload token.",
  });
  for (const route of routes) {
    const { answer } = route;
    app.openAPIRegistry.registerPath({
      method: route.method === "GET" ? "get" : "post",
      path: route.path.replaceAll(/:(\w+)/g, "{$1}"),
      summary: route.summary,
      ...(route.description === undefined ? {} : { description: route.description }),
      ...(route.request === undefined ? {} : { request: route.request }),
      security: route.caller === "agent" ? [{ workloadToken: [] }] : [],
      responses: {
        [route.caller === "agent" ? (route.status ?? 200) : 200]: {
          description: answer.description,
          ...(answer.schema === undefined ? {} : { content: { [answer.type]: { schema: answer.schema } } }),
        },
        default: {
          description: "A problem (RFC 9457)",
          content: { "application/problem+json": { schema: problemSchema } },
        },
      },
    });
  }
  return app.getOpenAPI31Document({
    openapi: "3.1.0",
    info: {
      title: "Twokey",
      version: about.version,
      description: "AWS credentials for AI agents. Production takes two keys.",
    },
    ...(about.publicUrl === null ? {} : { servers: [{ url: about.publicUrl }] }),
  });
}
