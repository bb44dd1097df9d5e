import { contract, defineModule, event, on, onTopic, operation, problem } from '@soma/kernel'
import * as z from 'zod'

const itemChanged = event({
  type: 'item.changed',
  topic: 'business-facts',
  data: z.strictObject({ number: z.number().int(), item: z.number().int() }),
  summary: 'An item has another version, its number.',
})

const takenBack = problem({
  code: 'change-taken-back',
  status: 409,
  title: 'The change was taken back',
  remedy: 'Ask for a change that stays.',
  retryable: false,
})

/** A module with rows and events of its own, and a group that writes down what it handles. */
export const chaosContract = contract({
  module: 'chaos',
  summary: 'What happened, and how often?',
  operations: {
    items: {
      change: operation({
        method: 'POST',
        path: '/v1/chaos/items/{item}/change',
        summary: 'Raises the version of an item by one.',
        capability: 'item:change',
        params: z.strictObject({ item: z.coerce.number().int() }),
        body: z.strictObject({ isTakenBack: z.boolean() }),
        problems: [takenBack],
        output: z.strictObject({ version: z.number().int() }),
      }),
    },
  },
  events: [itemChanged],
  capabilities: { 'item:change': 'change items' },
  settings: {},
})

export const EVENT_TYPE = 'chaos.happened'
export const ANSWER_TYPE = 'chaos.answered'

export const chaosModule = defineModule({
  contract: chaosContract,
  uses: {},
  migrations: new URL('./migrations/', import.meta.url),
  create: ({ database }) => ({
    operations: {
      items: {
        change: (context, { params: { item }, body: { isTakenBack } }) =>
          database.transaction(context, async (tx) => {
            const [row] = await tx.query<{ version: number }>(
              `insert into chaos.items as i (tenant_id, id, version) values ($1, $2, 1)
               on conflict (tenant_id, id) do update set version = i.version + 1 returning version`,
              [context.tenantId, item],
            )
            const { version } = row as { version: number }
            tx.emit(itemChanged, { number: version, item }, { partitionKey: `item-${item}` })
            if (isTakenBack) throw takenBack.create(`version ${version} of item ${item}`)
            return { version }
          }),
      },
    },
    handlers: [
      onTopic('business-facts', EVENT_TYPE, async ({ event: { tenantid, partitionkey = '', data }, tx }) => {
        const { number } = data as { number: number }
        await tx.execute(INSERT, [tenantid, EVENT_TYPE, number, partitionkey])
      }),
      on(itemChanged, async ({ data, tx, context }) => {
        await tx.execute(INSERT, [context.tenantId, 'item.changed', data.number, `item-${data.item}`])
      }),
    ],
  }),
})

const INSERT = 'insert into chaos.effects (tenant_id, grp, number, key) values ($1, $2, $3, $4)'
