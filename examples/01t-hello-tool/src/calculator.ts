import { defineEvent, defineTool, problem } from '@soma/sdk'
import * as z from 'zod'

const calculated = defineEvent({
  type: 'calculation.completed',
  topic: 'action-results',
  description: 'A number.',
  data: z.object({ result: z.number() }),
})
const operation = (type: string, description: string) =>
  defineEvent({
    type,
    topic: 'action-requests',
    description,
    data: z.object({ a: z.number(), b: z.number() }),
    response: calculated,
  })
const divisionByZero = problem({
  code: 'division-by-zero',
  status: 422,
  title: 'Nothing can be divided by zero',
  remedy: 'Give a divisor that is not zero.',
  retryable: false,
})

const calculator = defineTool({ name: 'calculator', description: 'Adds, subtracts, multiplies and divides.' })

calculator.onInvoke(operation('addition.requested', 'Adds b to a.'), ({ data: { a, b } }) => ({ result: a + b }))
calculator.onInvoke(operation('subtraction.requested', 'Takes b from a.'), ({ data: { a, b } }) => ({ result: a - b }))
calculator.onInvoke(operation('multiplication.requested', 'Multiplies a by b.'), ({ data: { a, b } }) => ({
  result: a * b,
}))
calculator.onInvoke(operation('division.requested', 'Divides a by b.'), ({ data: { a, b } }) => {
  if (b === 0) throw divisionByZero.create(`${a} / 0`)
  return { result: a / b }
})

await calculator.run()
