import { type AnyModule, contract, defineModule, onTopic, problem } from '@soma/kernel'
import { failureOf, GROUPS, typeOf } from './workload.ts'

/** Handlers throw until somebody repairs them. */
export interface Defect {
  repaired: boolean
}

export const planted = {
  again: problem({ code: 'planted', status: 500, title: 'Planted', remedy: 'None.', retryable: true }),
  forGood: problem({ code: 'planted-for-good', status: 422, title: 'Planted', remedy: 'None.', retryable: false }),
}

/** Short, so that a run does not wait for backoffs. */
export const RETRY_AFTER_MS = 50

/** Ten modules with one handler each. The first brings the table of effects. */
export const loadModules = (defect: Defect): readonly AnyModule[] =>
  Array.from({ length: GROUPS }, (_, index) => loadModule(index, defect))

function loadModule(index: number, defect: Defect): AnyModule {
  const name = `load${index}`
  const group = `module:${name}`
  return defineModule({
    contract: contract({
      module: name,
      summary: 'What was handled?',
      operations: {},
      events: [],
      capabilities: {},
      settings: {},
    }),
    uses: {},
    ...(index === 0 ? { migrations: new URL('./migrations/', import.meta.url) } : {}),
    create: () => ({
      operations: {},
      handlers: [
        onTopic('business-facts', typeOf(index), async ({ event, tx, attempt }) => {
          const { number } = event.data as { number: number }
          // Written before it fails: what a failed attempt did must not stay.
          await tx.execute('insert into load0.effects (tenant_id, grp, number, key) values ($1, $2, $3, $4)', [
            event.tenantid,
            group,
            number,
            event.partitionkey ?? '',
          ])
          if (!defect.repaired) failAsPlanned(group, number, attempt)
        }),
      ],
    }),
  })
}

function failAsPlanned(group: string, number: number, attempt: number): void {
  const failure = failureOf(group, number, attempt)
  const detail = `planted: ${group} cannot handle ${number} at attempt ${attempt}`
  if (failure === 'for-good') throw planted.forGood.create(detail)
  // Without a stated pause: the backoff of the group decides.
  if (failure === 'once') throw new Error(detail)
  if (failure !== 'none') throw planted.again.create(detail, { retryAfterMs: RETRY_AFTER_MS })
}
