export * from './client.ts'
export * from './common-problems.ts'
export * from './context.ts'
export * from './contract.ts'
export * from './envelope.ts'
export * from './erased-data.ts'
export * from './front.ts'
export * from './http-transport.ts'
export * from './ids.ts'
export {
  canonicalJson,
  jsonbText,
  type JsonObject,
  type JsonSchema,
  type WithoutUndefined,
  withoutUndefined,
} from './json.ts'
export * from './module.ts'
export * from './page.ts'
export * from './ports/clock.ts'
export * from './ports/database.ts'
export * from './ports/event-bus.ts'
export * from './ports/logger.ts'
export * from './ports/metrics.ts'
export * from './ports/schema-compiler.ts'
export * from './ports/tokens.ts'
export * from './problem.ts'
export * from './query.ts'
export * from './read-size.ts'
export * from './schema-nodes.ts'
export * from './schema-uri.ts'
export * from './sse.ts'
export {
  envelopeInvalid,
  type Flaw,
  LARGEST_EVENT_BYTES,
  type OpenedRecord,
  openRecord,
  standInFor,
} from './stored-event.ts'
export * from './topics.ts'
export * from './version-range.ts'
