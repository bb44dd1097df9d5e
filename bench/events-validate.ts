/** The schema check of an event of 1.5 KB by the platform's compiler, beside bare ajv with the same schema. */
import { createSchemaCompiler } from '@soma/adapter-ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { median, printFigure, rounds } from './figures.ts'

const ROUNDS = 7
const CHECKS = 50_000

const text = { type: 'string', maxLength: 200 }
const item = {
  type: 'object',
  properties: { sku: text, title: text, amount: { type: 'integer', minimum: 1 }, priceMicros: { type: 'integer' } },
  required: ['sku', 'title', 'amount', 'priceMicros'],
  additionalProperties: false,
}
const schema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  properties: {
    orderId: text,
    status: { enum: ['open', 'paid', 'sent'] },
    customer: { type: 'object', properties: { name: text, city: text }, required: ['name'] },
    items: { type: 'array', items: item, maxItems: 100 },
  },
  required: ['orderId', 'status', 'items'],
  additionalProperties: false,
}
const data = {
  orderId: 'order-2026-000481',
  status: 'paid',
  customer: { name: 'Ferdinand Example', city: 'Rotterdam' },
  items: Array.from({ length: 14 }, (_, index) => ({
    sku: `sku-${index}`,
    title: 'A thing of a length that titles usually have',
    amount: index + 1,
    priceMicros: 12_990_000,
  })),
}

const { validate, issues } = createSchemaCompiler().compile(schema)
if (validate === undefined) throw new Error(`the schema was refused: ${JSON.stringify(issues)}`)
const bare = new Ajv2020({ allErrors: true }).compile(schema)

function microsecondsOf(work: () => unknown): number {
  const startedAt = performance.now()
  for (let index = 0; index < CHECKS; index++) work()
  return ((performance.now() - startedAt) * 1_000) / CHECKS
}

microsecondsOf(() => validate(data))
microsecondsOf(() => bare(data))
const measured = await rounds(ROUNDS, async () => ({
  ours: microsecondsOf(() => validate(data)),
  bare: microsecondsOf(() => bare(data)),
}))
const ours = measured.map((round) => round.ours)
printFigure({
  bench: 'events.validate',
  what: `check of ${JSON.stringify(data).length} bytes, µs`,
  values: ours,
  beside: { what: 'bare ajv', values: measured.map((round) => round.bare) },
  goal: { text: '≤ 30', isMet: median(ours) <= 30 },
})
