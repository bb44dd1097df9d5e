import { eventsContract } from '@soma/events/contract'
import { loadConfiguration } from '@soma/runtime'
import { expect, it } from 'vitest'

const settingsOf = (SOMA_MODE: string) =>
  loadConfiguration([eventsContract], { environment: { SOMA_MODE } }).of('events')

it('EVT-R60 in production each NATS stream is kept by three servers, and nobody has said that they sync always', () => {
  for (const mode of ['production', 'production-debug'])
    expect(settingsOf(mode)).toMatchObject({ natsReplicas: 3, natsSyncsAlways: false, durability: 'power' })
  expect(settingsOf('developer-full')).toMatchObject({ natsReplicas: 1 })
})
