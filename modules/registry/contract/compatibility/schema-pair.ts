import type { SchemaChange, SchemaChangeName } from './changes.ts'
import type { SchemaObject } from './schema-node.ts'

/** Two schemas for the same place, and what may be said about them. */
export interface SchemaPair {
  readonly before: SchemaObject
  readonly after: SchemaObject
  readonly pointer: string
  /** Keywords that some rule has answered for. */
  readonly handled: Set<string>
  report(change: SchemaChangeName, why: string, at?: string): void
  /** Compares what stands deeper; a schema that is absent accepts everything. */
  deeper(before: unknown, after: unknown, at: string): void
  /** Compares in silence. */
  inside(before: unknown, after: unknown, at: string): readonly SchemaChange[]
}
