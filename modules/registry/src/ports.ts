import type { EventDefinition, SchemaCompiler } from '@soma/kernel'
import type { AsyncApiOptions } from '../contract/asyncapi.ts'

export interface RegistryPorts {
  readonly schemaCompiler: SchemaCompiler
  /** The events of every contract of the platform: registered at start in tenant `platform`, readable by all. */
  readonly platformEvents: readonly EventDefinition[]
  /** What documents say of this installation. */
  readonly installation: AsyncApiOptions
}
