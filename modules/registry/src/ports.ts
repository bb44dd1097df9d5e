import type { EventDefinition, LogReader, SchemaCompiler } from '@soma/kernel'
import type { AsyncApiOptions } from '../contract/asyncapi.ts'

/** Texts as vectors of one length: those of texts with like meanings lie near each other. The same text has the same vector. */
export interface Embedder {
  /** One vector a text, in order. @throws Error when it is away: then words alone rank */
  embed(texts: readonly string[]): Promise<readonly Float32Array[]>
}

export interface RegistryPorts {
  readonly schemaCompiler: SchemaCompiler
  /** The events of every contract of the platform: registered at start in tenant `platform`, readable by all. */
  readonly platformEvents: readonly EventDefinition[]
  /** What documents say of this installation. */
  readonly installation: AsyncApiOptions
  /** Facts of all processes, by which what was read is dropped. Absent: nothing that was read is kept. */
  readonly reader?: Pick<LogReader, 'onAppend'> | undefined
  /** Absent: the built-in one. */
  readonly embedder?: Embedder | undefined
}
