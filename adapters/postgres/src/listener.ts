import { setTimeout } from 'node:timers/promises'
import type { Logger } from '@soma/kernel'
import pg from 'pg'

const RETRY_FIRST_MS = 100
const RETRY_LAST_MS = 5_000

export interface ChannelListener {
  listen(channel: string): Promise<void>
  unlisten(channel: string): Promise<void>
  close(): Promise<void>
}

export interface ListenerOptions {
  readonly config: pg.ClientConfig
  readonly log: Logger
  notified(channel: string, payload: string): void
}

/** One connection that only listens. When it breaks it is made anew and listens to the same channels; what was sent between is lost. */
export function createChannelListener({ config, log, notified }: ListenerOptions): ChannelListener {
  const channels = new Set<string>()
  const ending = new AbortController()
  let current: Promise<pg.Client> | undefined

  async function connect(): Promise<pg.Client> {
    const client = new pg.Client({ ...config, keepAlive: true })
    client.on('notification', ({ channel, payload = '' }) => notified(channel, payload))
    client.on('error', (error) => log.warn('the listening connection broke', { error }))
    await client.connect()
    try {
      for (const channel of channels) await client.query(`listen ${client.escapeIdentifier(channel)}`)
    } catch (error) {
      await client.end()
      throw error
    }
    client.once('end', () => {
      if (!ending.signal.aborted) current = reconnect()
    })
    return client
  }

  async function reconnect(): Promise<pg.Client> {
    for (let waitMs = RETRY_FIRST_MS; ; waitMs = Math.min(2 * waitMs, RETRY_LAST_MS)) {
      await setTimeout(waitMs, undefined, { signal: ending.signal, ref: false })
      try {
        return await connect()
      } catch (error) {
        log.warn('the listening connection is still down', { error, retryInMs: waitMs })
      }
    }
  }

  function connection(): Promise<pg.Client> {
    current ??= connect()
    current.catch(() => undefined)
    return current
  }

  return {
    async listen(channel) {
      channels.add(channel)
      const client = await connection()
      await client.query(`listen ${client.escapeIdentifier(channel)}`)
    },
    async unlisten(channel) {
      channels.delete(channel)
      const client = await connection()
      await client.query(`unlisten ${client.escapeIdentifier(channel)}`)
    },
    async close() {
      ending.abort()
      const client = await current?.catch(() => undefined)
      await client?.end()
    },
  }
}
