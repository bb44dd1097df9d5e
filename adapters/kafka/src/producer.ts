import type { Cluster } from './cluster.ts'
import type { TopicNames } from './topic-names.ts'
import { findCoordinator, initProducerId } from './wire/cluster-apis.ts'
import { kafkaError } from './wire/kafka-error.ts'

/** The life of a transaction; there is none, but the broker wants a number. */
const TRANSACTION_MS = 60_000

/** Under whom batches are numbered. */
export interface Producer {
  readonly producerId: bigint
  readonly epoch: number
}

export interface ProducerIdentity {
  /** The epoch of this process, raised at its first append. */
  current(): Promise<Producer>
  /** The next append takes a new epoch. */
  forget(): void
}

/**
 * One producer for all processes of an installation: whoever takes the next epoch of the transactional id fences the one before in every partition that it writes to.
 * A relay that was paused holds rows that its successor has shipped, so it is refused exactly where it would write them again. There are no transactions: their
 * markers would be holes in the positions.
 */
export function createProducerIdentity(cluster: Cluster, { prefix }: TopicNames): ProducerIdentity {
  const transactionalId = `${prefix}.relay`
  let known: Promise<Producer> | undefined
  const take = () =>
    cluster.attempt('no producer epoch could be taken', async (timeoutMs) => {
      const coordinator = await cluster.sendToAny(findCoordinator, transactionalId, timeoutMs)
      if (coordinator.error !== 0) throw kafkaError(coordinator.error)
      const request = { transactionalId, timeoutMs: TRANSACTION_MS }
      const { error, ...producer } = await cluster.send(
        { broker: coordinator.id, lane: 'append', timeoutMs },
        initProducerId,
        request,
      )
      if (error !== 0) throw kafkaError(error, transactionalId)
      return producer
    })
  const forget = () => {
    known = undefined
  }
  return {
    current: () => {
      const taken = known ?? take()
      known = taken
      taken.catch(forget)
      return taken
    },
    forget,
  }
}
