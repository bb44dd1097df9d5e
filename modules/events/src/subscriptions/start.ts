import { commonProblems, type EventBus, type LogReader, type PartitionState, type Topic } from '@soma/kernel'
import { positionTrimmed } from '../../contract/problems.ts'
import { requireReadings } from '../log/service.ts'
import type { SubscriptionConfig } from './config.ts'
import type { StartPlace } from './store.ts'

export interface StartOptions {
  readonly bus: Pick<EventBus, 'positionAt' | 'read'>
  readonly reader: LogReader
}

/** `pointer` is where the wanted place stands in the input. */
type Finding = StartOptions & { readonly pointer: string }

/** Where a new group begins in each partition of its topics: the place to read after. */
export async function startPlaces(
  topics: readonly Topic[],
  startAt: SubscriptionConfig['startAt'],
  options: Finding,
): Promise<StartPlace[]> {
  const states = (await Promise.all(topics.map((topic) => options.reader.heads(topic)))).flat()
  if (startAt === 'latest') return states.map(placeAt)
  if (startAt === 'earliest')
    return states.map((state) => ({ ...placeAt(state), segment: 0, position: state.oldestPosition - 1 }))
  if ('time' in startAt) return placesByTime(states, new Date(startAt.time), options)
  return placesBySequence(states, startAt, options)
}

const placeAt = ({ topic, part, segment, position }: PartitionState): StartPlace => ({ topic, part, segment, position })

function placesByTime(states: readonly PartitionState[], at: Date, { bus }: StartOptions): Promise<StartPlace[]> {
  return Promise.all(
    states.map(async ({ topic, part }) => {
      const { segment, position } = await bus.positionAt(topic, part, at)
      return { topic, part, segment, position }
    }),
  )
}

/** The named event is the first that is read; the other partitions begin at the time it was recorded. */
async function placesBySequence(
  states: readonly PartitionState[],
  { sequence, topic: name }: { sequence: string; topic: string },
  options: Finding,
): Promise<StartPlace[]> {
  const [topic] = [...requireReadings([name]).keys()]
  const [part, position] = sequence.split('-').map(Number) as [number, number]
  const state = states.find((candidate) => candidate.topic === topic && candidate.part === part)
  if (state === undefined || position > state.position)
    throw commonProblems.invalidRequest.create(`there is no event ${sequence} on "${name}"`, {
      errors: [
        {
          pointer: `${options.pointer}/sequence`,
          code: 'out-of-range',
          detail: 'it lies beyond the head of the log',
        },
      ],
    })
  const after = { segment: 0, position: position - 1 }
  const [record] = await options.bus.read({ topic: state.topic, part, after, limit: 1 })
  if (position < state.oldestPosition || record === undefined)
    throw positionTrimmed.create(
      `the oldest event of "${name}", partition ${part}, is at position ${state.oldestPosition}`,
      {
        oldestPosition: state.oldestPosition,
      },
    )
  const others = await placesByTime(states, record.recordedAt, options)
  return others.map((place) => (place.topic === topic && place.part === part ? { ...place, ...after } : place))
}
