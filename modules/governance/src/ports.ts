import type { SchemaCompiler } from '@soma/kernel'

/** What governance needs from the world. */
export interface GovernancePorts {
  /** Checks the schema of edits when a gate opens and the edits themselves when it is approved. */
  readonly schemaCompiler: SchemaCompiler
}
