export type Labels = Readonly<Record<string, string>>

/** Metrics by name (`soma_<module>_<what>_<unit>`); an adapter registers them on first use. Labels are of low cardinality. */
export interface Metrics {
  count(name: string, labels?: Labels, by?: number): void
  gauge(name: string, value: number, labels?: Labels): void
  /** Sets a gauge whole: a series that is not among these is gone. */
  gauges(name: string, series: readonly { readonly value: number; readonly labels?: Labels }[]): void
  /** Observes a duration or size in the base unit of the name (seconds, bytes). */
  observe(name: string, value: number, labels?: Labels): void
  /** The exposition text of all metrics (Prometheus text format). */
  render(): Promise<{ contentType: string; body: string }>
}

export const noMetrics: Metrics = {
  count() {},
  gauge() {},
  gauges() {},
  observe() {},
  render: async () => ({ contentType: 'text/plain', body: '' }),
}
