import type { Labels, Metrics } from '@soma/kernel'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** From 0.1 ms, where in-process calls live, to the 30 s after which the gateway gives up. */
const SECONDS_BUCKETS = [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
/** From 256 B to 64 MiB in steps of four. */
const BYTES_BUCKETS = [256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216, 67_108_864]
/** Sizes without a unit: batch lengths, queue depths. */
const COUNT_BUCKETS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]

/** What a name was first used as, and with which labels. */
interface Registered {
  readonly kind: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  readonly metric: Counter | Gauge | Histogram
}

/**
 * Metrics by prom-client. A metric is registered at its first use with the labels of that use; a later use with other labels or as another kind is dropped and
 * counted in `soma_metrics_refused_total{metric}`: a wrong metric never fails a request. `process: true` adds the metrics of Node.js itself.
 */
export function createMetrics(options: { process?: boolean } = {}): Metrics {
  const registry = new Registry()
  const registered = new Map<string, Registered>()
  const refused = new Counter({
    name: 'soma_metrics_refused_total',
    help: 'Uses of a metric that did not fit its first use',
    labelNames: ['metric'],
    registers: [registry],
  })
  if (options.process === true) collectDefaultMetrics({ register: registry })

  const metricOf = (kind: Registered['kind'], name: string, labels: Labels): Registered['metric'] | undefined => {
    const names = Object.keys(labels)
    const known = registered.get(name) ?? register(kind, name, names)
    if (
      known?.kind === kind &&
      known.labels.length === names.length &&
      names.every((label) => known.labels.includes(label))
    )
      return known.metric
    refused.inc({ metric: name })
    return undefined
  }

  const register = (kind: Registered['kind'], name: string, labels: readonly string[]): Registered => {
    const shape = { name, help: name, labelNames: [...labels], registers: [registry] }
    const metric =
      kind === 'counter'
        ? new Counter(shape)
        : kind === 'gauge'
          ? new Gauge(shape)
          : new Histogram({ ...shape, buckets: bucketsOf(name) })
    const entry = { kind, labels, metric }
    registered.set(name, entry)
    return entry
  }

  return {
    count: (name, labels = {}, by = 1) => (metricOf('counter', name, labels) as Counter | undefined)?.inc(labels, by),
    gauge: (name, value, labels = {}) => (metricOf('gauge', name, labels) as Gauge | undefined)?.set(labels, value),
    gauges: (name, series) => {
      const known = registered.get(name)
      if (known?.kind === 'gauge') known.metric.reset()
      for (const { value, labels = {} } of series)
        (metricOf('gauge', name, labels) as Gauge | undefined)?.set(labels, value)
    },
    observe: (name, value, labels = {}) =>
      (metricOf('histogram', name, labels) as Histogram | undefined)?.observe(labels, value),
    render: async () => ({ contentType: registry.contentType, body: await registry.metrics() }),
  }
}

const bucketsOf = (name: string): number[] =>
  name.endsWith('_seconds') ? SECONDS_BUCKETS : name.endsWith('_bytes') ? BYTES_BUCKETS : COUNT_BUCKETS
