import type { EventDefinition, SchemaCompiler } from '@soma/kernel'

export interface RegistryPorts {
  readonly schemaCompiler: SchemaCompiler
  /** The events of every contract of the platform: registered at start in tenant `platform`, readable by all. */
  readonly platformEvents: readonly EventDefinition[]
}
