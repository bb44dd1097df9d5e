import { commonProblems, type Contract, type ProblemDefinition } from '@soma/kernel'
import type { FastifyInstance } from 'fastify'
import { toOpenApi } from './openapi.ts'
import { problemPage } from './problem-pages.ts'
import type { HttpServerOptions } from './server-options.ts'

/** What a process answers beside its modules: OpenAPI, health, readiness, metrics and the pages of problems. */
export function addPlatformRoutes(app: FastifyInstance, options: HttpServerOptions): void {
  const openApi = JSON.stringify(toOpenApi(options.contracts, { version: options.version }))
  const problems = problemsOf(options.contracts)
  app.get('/openapi.json', (_request, reply) => reply.type('application/json').send(openApi))
  app.get('/health', () => ({ status: 'ok' }))
  app.get('/ready', async (_request, reply) => {
    const report = await options.ready()
    return reply.code(report.status === 'ready' || report.status === 'degraded' ? 200 : 503).send(report)
  })
  app.get('/metrics', async (_request, reply) => {
    const { contentType, body } = await options.metrics.render()
    return reply.type(contentType).send(body)
  })
  app.get<{ Params: { code: string } }>('/problems/:code', (request, reply) => {
    const definition = problems.get(request.params.code)
    if (definition === undefined)
      throw commonProblems.notFound.create(`there is no problem "${request.params.code.slice(0, 100)}"`)
    return reply.type('text/html; charset=utf-8').send(problemPage(definition))
  })
}

/** Every problem that some contract or operation declares, by code. */
export function problemsOf(contracts: readonly Contract[]): Map<string, ProblemDefinition> {
  const declared = contracts.flatMap((contract) => [
    ...(contract.problems ?? []),
    ...Object.values(contract.operations).flatMap((verbs) =>
      Object.values(verbs).flatMap((operation) => operation.problems ?? []),
    ),
  ])
  return new Map([...Object.values(commonProblems), ...declared].map((definition) => [definition.code, definition]))
}
