import { randomUUID } from 'node:crypto'
import { type EventBus, silentLogger } from '@soma/kernel'
import { type NatsBusOptions, openNatsBus } from '../src/nats-bus.ts'

/** Opens an empty log of a prefix of its own on a server. */
export function openBus(url: string, options: Partial<NatsBusOptions> = {}): Promise<EventBus> {
  return openNatsBus({
    servers: [url],
    prefix: `test-${randomUUID().slice(0, 8)}`,
    partitions: 4,
    replicas: 1,
    durability: 'process',
    serverSyncsAlways: false,
    maxEventBytes: 262_144,
    log: silentLogger,
    ...options,
  })
}
