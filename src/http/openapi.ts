/** The OpenAPI document, made from the route table once at start. */
import type { OpenAPIHono } from "@hono/zod-openapi";
import { problemSchema } from "./answer-schemas.ts";
import type { Route } from "./routes.ts";

/** Plain OpenAPI 3.1. */
export type OpenApiDocument = ReturnType<OpenAPIHono["getOpenAPI31Document"]>;

/** Any one of a list opens the route. */
const SECURITY: Readonly<Record<Route["caller"], Record<string, string[]>[]>> = {
  agent: [{ workloadToken: [] }],
  operator: [{ operatorToken: [] }],
  watch: [{ watchToken: [] }],
  reader: [{ workloadToken: [] }, { operatorToken: [] }],
  public: [],
};

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
  app.openAPIRegistry.registerComponent("securitySchemes", "operatorToken", {
    type: "http",
    scheme: "bearer",
    description: "The token in the broker's operator token file.",
  });
  app.openAPIRegistry.registerComponent("securitySchemes", "watchToken", {
    type: "http",
    scheme: "bearer",
    description: "The token of what watches over AWS.",
  });
  for (const route of routes) {
    const { answer } = route;
    app.openAPIRegistry.registerPath({
      method: route.method === "GET" ? "get" : "post",
      path: route.path.replaceAll(/:(\w+)/g, "{$1}"),
      summary: route.summary,
      ...(route.description === undefined ? {} : { description: route.description }),
      ...(route.request === undefined ? {} : { request: route.request }),
      security: SECURITY[route.caller],
      responses: {
        [route.caller === "public" ? 200 : (route.status ?? 200)]: {
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
