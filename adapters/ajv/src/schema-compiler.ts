import type { SchemaCompiler, SchemaIssue, SchemaValidator } from '@soma/kernel'
import { Ajv2020, type ErrorObject, type Options, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { notesOf, schemaIssues } from './schema-issues.ts'

/** More issues of one value help nobody and cost memory. */
const MAXIMUM_ISSUES = 100

/**
 * JSON Schema 2020-12 by ajv, strict: unknown keywords and formats, references that leave the document, patterns that a linear-time engine cannot run and
 * nesting over 32 are issues of the schema; `x-` notes are taken and mean nothing. Nothing is ever fetched. A compiled validator holds no state and may be shared.
 */
export function createSchemaCompiler(): SchemaCompiler {
  const checker = newAjv({})
  const isFormat = (name: string) => Object.hasOwn(checker.formats, name)
  return {
    compile: (schema) => {
      const issues = schemaIssues(schema, isFormat)
      if (issues.length > 0) return { issues }
      try {
        if (checker.validateSchema(schema as object | boolean) !== true)
          return { issues: issuesOf(checker.errors).map((issue) => ({ ...issue, code: 'schema' })) }
        const ajv = newAjv({ meta: false, validateSchema: false, keywords: notesOf(schema) })
        const compiled = ajv.compile(schema as object | boolean)
        return { validate: validatorOf(compiled) }
      } catch (error) {
        const detail = (error instanceof Error ? error.message : String(error)).slice(0, 500)
        return { issues: [{ pointer: '', code: 'schema', detail }] }
      }
    },
  }
}

/**
 * One instance a schema: equal `$id`s of two tenants never meet, and a dropped validator is collected. The meta-schema is compiled in the checker alone:
 * that takes 13 ms, the rest of an instance under one.
 */
function newAjv(options: Options) {
  const ajv = new Ajv2020({
    strict: true,
    strictTypes: false,
    strictTuples: false,
    strictRequired: false,
    allErrors: true,
    ownProperties: true,
    logger: false,
    ...options,
  })
  formats.default(ajv)
  // ajv resolves anchors, and calls the keyword unknown all the same.
  ajv.addKeyword('$anchor')
  return ajv
}

/** A schema that leads back to itself before it looks at a member fills the call stack, and so does a value that is nested too deeply: both are refused. */
const validatorOf =
  (compiled: ValidateFunction): SchemaValidator =>
  (value) => {
    try {
      return compiled(value) ? [] : issuesOf(compiled.errors)
    } catch (error) {
      if (!(error instanceof RangeError)) throw error
      return [
        {
          pointer: '',
          code: '$ref',
          detail: 'the schema refers to itself without end for this value, or the value is nested too deeply',
        },
      ]
    }
  }

/** One issue a field: of several branches that failed on one value the first says enough. */
function issuesOf(errors: readonly ErrorObject[] | null | undefined): SchemaIssue[] {
  const issues = new Map<string, SchemaIssue>()
  for (const error of errors ?? []) {
    const issue = issueOf(error)
    if (!issues.has(issue.pointer)) issues.set(issue.pointer, issue)
  }
  return [...issues.values()].slice(0, MAXIMUM_ISSUES)
}

const issueOf = (error: ErrorObject): SchemaIssue => {
  const extra =
    error.params['missingProperty'] ?? error.params['additionalProperty'] ?? error.params['unevaluatedProperty']
  const pointer =
    extra === undefined
      ? error.instancePath
      : `${error.instancePath}/${String(extra).replaceAll('~', '~0').replaceAll('/', '~1')}`
  return { pointer, code: error.keyword, detail: error.message ?? error.keyword }
}
