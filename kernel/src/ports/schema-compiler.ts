import type { JsonSchema } from '../json.ts'

export interface SchemaIssue {
  /** JSON Pointer into the value (or, for `compile`, into the schema). */
  readonly pointer: string
  readonly code: string
  readonly detail: string
}

/** Answers no issue when the value is valid. */
export type SchemaValidator = (value: unknown) => readonly SchemaIssue[]

/** Compiles JSON Schema 2020-12 strictly: unknown keywords, remote `$ref` and unsafe patterns are issues of the schema, not surprises at run time. */
export interface SchemaCompiler {
  compile(
    schema: JsonSchema,
  ): { validate: SchemaValidator; issues?: undefined } | { validate?: undefined; issues: readonly SchemaIssue[] }
}
