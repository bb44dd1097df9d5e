import { randomUUID } from 'node:crypto'
import { type EventBus, silentLogger } from '@soma/kernel'
import { type KafkaBusOptions, openKafkaBus } from '../src/kafka-bus.ts'

export const aPrefix = (): string => `test-${randomUUID().slice(0, 8)}`

/** Opens an empty log of a prefix of its own on a broker. */
export function openBus(brokers: string, options: Partial<KafkaBusOptions> = {}): Promise<EventBus> {
  return openKafkaBus({
    brokers: brokers.split(','),
    prefix: aPrefix(),
    partitions: 4,
    production: false,
    durability: 'process',
    maxEventBytes: 262_144,
    log: silentLogger,
    ...options,
  })
}
