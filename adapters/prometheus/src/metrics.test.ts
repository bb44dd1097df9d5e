import { expect, test } from 'vitest'
import { createMetrics } from './metrics.ts'

test('counts, gauges and observations are rendered as Prometheus text', async () => {
  const metrics = createMetrics()
  metrics.count('soma_events_published_total', { topic: 'audit' })
  metrics.count('soma_events_published_total', { topic: 'audit' }, 2)
  metrics.gauge('soma_events_lag', 7)
  metrics.observe('soma_http_request_seconds', 0.003, { route: '/v1/plans' })
  metrics.observe('soma_http_body_bytes', 2000)
  const { contentType, body } = await metrics.render()
  expect(contentType).toContain('text/plain')
  expect(body).toContain('soma_events_published_total{topic="audit"} 3')
  expect(body).toContain('soma_events_lag 7')
  expect(body).toContain('soma_http_request_seconds_bucket{le="0.005",route="/v1/plans"} 1')
  expect(body).toContain('soma_http_body_bytes_bucket{le="4096"} 1')
})

test('a use that does not fit the first one is dropped and counted, and throws nothing', async () => {
  const metrics = createMetrics()
  metrics.count('soma_plans_total', { status: 'done' })
  metrics.count('soma_plans_total', { status: 'done', tenant: 'x' })
  metrics.gauge('soma_plans_total', 5)
  const { body } = await metrics.render()
  expect(body).toContain('soma_plans_total{status="done"} 1')
  expect(body).toContain('soma_metrics_refused_total{metric="soma_plans_total"} 2')
})

test('a gauge that is set whole keeps no series of before', async () => {
  const metrics = createMetrics()
  metrics.gauges('soma_events_lag', [
    { value: 1, labels: { group: 'a' } },
    { value: 2, labels: { group: 'b' } },
  ])
  metrics.gauges('soma_events_lag', [{ value: 3, labels: { group: 'b' } }])
  const { body } = await metrics.render()
  expect(body.match(/^soma_events_lag\{.*$/gm)).toEqual(['soma_events_lag{group="b"} 3'])
  metrics.gauges('soma_events_lag', [])
  expect((await metrics.render()).body).not.toContain('soma_events_lag{')
})

test('two collections in one process do not meet', async () => {
  createMetrics().count('soma_plans_total')
  expect((await createMetrics({ process: true }).render()).body).not.toContain('soma_plans_total')
})
