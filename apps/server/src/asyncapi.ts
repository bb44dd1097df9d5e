import type { Contract } from '@soma/kernel'
import { type AsyncApiOptions, documentedEvents, toAsyncApi } from '@soma/registry/contract'
import type { FastifyInstance } from 'fastify'

/** `/asyncapi.json` beside `/openapi.json`: the events of all contracts. What tenants define is listed by the registry. */
export function serveAsyncApi(app: FastifyInstance, contracts: readonly Contract[], options: AsyncApiOptions): void {
  let document: string | undefined
  app.get('/asyncapi.json', (_request, reply) => {
    document ??= JSON.stringify(
      toAsyncApi({ events: documentedEvents(contracts.flatMap(({ events }) => events)) }, options),
    )
    return reply.type('application/json').send(document)
  })
}
