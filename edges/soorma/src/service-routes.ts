import * as z from 'zod'
import { toOpenApi } from './wire/openapi.ts'
import { route, type Route, type Service, SERVICES } from './wire/route.ts'

const rootAnswer = z.strictObject({
  service: z.string(),
  version: z.string(),
  status: z.string().optional(),
  docs: z.string(),
})
const healthAnswer = z.strictObject({
  status: z.string(),
  service: z.string().optional(),
  version: z.string().optional(),
  local_testing: z.boolean().optional(),
})

/** What each service of the original answers at its root and about its health, beside its own routes. */
export function serviceRoutes(version: string, isProduction: boolean): Route[] {
  return [
    rootOf('registry', 'none', { service: 'registry-service', version, status: 'operational', docs: '/docs' }),
    rootOf('events', 'bearer', { service: 'soorma-event-service', version, docs: '/docs' }),
    rootOf('memory', 'bearer', { service: 'memory-service', version, status: 'operational', docs: '/docs' }),
    rootOf('tracker', 'bearer', { service: 'tracker-service', version, status: 'operational', docs: '/docs' }),
    rootOf('identity', 'none', { service: 'identity-service', version, status: 'operational', docs: '/docs' }),
    healthOf('registry', { status: 'healthy' }),
    healthOf('memory', { status: 'healthy', service: 'memory-service', version }),
    healthOf('tracker', { status: 'healthy', service: 'tracker-service', version, local_testing: !isProduction }),
    healthOf('identity', { status: 'healthy', service: 'identity-service', version }),
  ]
}

const rootOf = (service: Service, proof: 'none' | 'bearer', answer: z.input<typeof rootAnswer>): Route =>
  route(
    {
      service,
      method: 'GET',
      path: '/',
      summary: 'What this service is.',
      proof,
      mount: 'service',
      output: rootAnswer,
    },
    async () => answer,
  )

const healthOf = (service: Service, answer: z.input<typeof healthAnswer>): Route =>
  route(
    {
      service,
      method: 'GET',
      path: '/health',
      summary: 'Whether it answers.',
      proof: 'none',
      mount: 'service',
      output: healthAnswer,
    },
    async () => answer,
  )

/** The OpenAPI documents: one a service that has routes, and one of all. */
export function documentRoutes(routes: readonly Route[], version: string): Route[] {
  const served = SERVICES.filter((service) => routes.some((known) => known.service === service))
  const documentOf = (service: Service, mount: 'service' | 'union', title: string, described: readonly Route[]) => {
    const document = toOpenApi(described, { title, version })
    return route(
      {
        service,
        method: 'GET',
        path: '/openapi.json',
        summary: 'This document.',
        proof: 'none',
        mount,
        output: z.record(z.string(), z.unknown()),
      },
      async () => document,
    )
  }
  return [
    ...served.map((service) =>
      documentOf(
        service,
        'service',
        `Soorma ${service}`,
        routes.filter((known) => known.service === service),
      ),
    ),
    documentOf(
      'registry',
      'union',
      'Soorma',
      routes.filter(({ mount }) => mount !== 'service'),
    ),
  ]
}
