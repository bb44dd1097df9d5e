import type { Schema } from '@soma/kernel'
import * as z from 'zod'
import { objectOf } from './dto.ts'
import type { Route } from './route.ts'

const REFUSAL = { type: 'object', required: ['detail'], properties: { detail: {} } }

/** OpenAPI 3.1 of routes of this dialect: members of bodies in camelCase, which snake_case may replace. */
export function toOpenApi(
  routes: readonly Route[],
  about: { title: string; version: string },
): Record<string, unknown> {
  const paths: Record<string, Record<string, unknown>> = {}
  for (const route of routes) (paths[route.path] ??= {})[route.method.toLowerCase()] = operationOf(route)
  return {
    openapi: '3.1.0',
    info: about,
    paths,
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
        'admin-key': { type: 'apiKey', in: 'header', name: 'X-Identity-Admin-Key' },
      },
    },
  }
}

function operationOf(route: Route): Record<string, unknown> {
  const { body, output, proof, refusals = [] } = route
  const status = route.status ?? (output === undefined && route.stream !== true ? 204 : 200)
  const statuses = [...(proof === 'none' ? [] : [401]), ...((body ?? route.query) ? [422] : []), ...refusals]
  return {
    summary: route.summary,
    tags: [route.service],
    security: proof === 'none' ? [] : [{ [proof === 'bearer' ? 'bearer' : 'admin-key']: [] }],
    parameters: parametersOf(route),
    ...(body === undefined ? {} : { requestBody: { required: true, content: json(body, 'input') } }),
    responses: {
      [status]: { description: 'done', ...contentOf(route) },
      ...Object.fromEntries(
        statuses.map((code) => [
          code,
          { description: 'refused', content: { 'application/json': { schema: REFUSAL } } },
        ]),
      ),
    },
  }
}

function contentOf({ output, stream }: Route): Record<string, unknown> {
  if (stream === true) return { content: { 'text/event-stream': { schema: { type: 'string' } } } }
  return output === undefined ? {} : { content: json(output, 'output') }
}

function parametersOf({ path, query }: Route): unknown[] {
  const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  const { properties = {}, required = [] } = query === undefined ? {} : jsonSchemaOf(query, 'input')
  const inQuery = Object.entries(properties as Record<string, unknown>).map(([name, schema]) => ({
    name,
    in: 'query',
    required: (required as string[]).includes(name),
    schema,
  }))
  return [...inPath, ...inQuery]
}

const json = (schema: Schema, io: 'input' | 'output') => ({ 'application/json': { schema: jsonSchemaOf(schema, io) } })

function jsonSchemaOf(schema: Schema, io: 'input' | 'output'): Record<string, unknown> {
  const { $schema: _dialect, ...document } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      const object = objectOf(zodSchema)
      if (object !== undefined) Object.assign(jsonSchema, jsonSchemaOf(object, io))
    },
  }) as Record<string, unknown>
  return document
}
