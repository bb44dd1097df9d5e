import type { Operation } from '@soma/kernel'
import { type Input, type JsonSchema, PARTS, resolve, sampleOf, schemaOf } from './sample.ts'

/** An input with every field of the first three levels that the schema has, so that each can be spoilt; undefined where the schema refuses it. */
export function fullInputOf(operation: Operation): Input {
  const input: Input = {}
  for (const part of PARTS) {
    const schema = operation[part]
    if (schema === undefined) continue
    const root = schemaOf(schema)
    input[part] = fill(root, root, 0) as Record<string, unknown>
  }
  return input
}

const MAXIMUM_DEPTH = 3

function fill(given: JsonSchema, root: JsonSchema, depth: number): unknown {
  const schema = given.$ref === undefined ? given : resolve(given.$ref, root)
  const choice = (schema.anyOf ?? schema.oneOf) as JsonSchema[] | undefined
  if (choice !== undefined) return fill(choice.at(-1) as JsonSchema, root, depth + 1)
  if (schema.type === 'array' && depth < MAXIMUM_DEPTH) return [fill(schema.items ?? {}, root, depth + 1)]
  if (schema.type !== 'object' || schema.properties === undefined || depth >= MAXIMUM_DEPTH)
    return sampleOf(schema, root)
  return Object.fromEntries(
    Object.entries(schema.properties as Record<string, JsonSchema>).map(([name, member]) => [
      name,
      fill(member, root, depth + 1),
    ]),
  )
}
