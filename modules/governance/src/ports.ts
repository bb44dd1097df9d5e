import type { EventDefinition, SchemaCompiler } from '@soma/kernel'
import type * as z from 'zod'

/** What governance needs from the world. */
export interface GovernancePorts {
  /** Checks the schema of edits when a gate opens and the edits themselves when it is approved. */
  readonly schemaCompiler: SchemaCompiler
  /** Facts after which nobody waits any more for the gates of their plan: these are cancelled. Bound from above, because governance knows no module but the floor's. */
  readonly planEndings: readonly EventDefinition<string, z.ZodType<{ readonly planId: string }>>[]
}
