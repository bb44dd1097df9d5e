import { type AppendRecord, eraseData, type EventBus, type LogRecord } from '@soma/kernel'
import { seal, unseal } from './seal.ts'
import type { LiveSealingKey, SealingKey, SealingKeys } from './sealing-keys.ts'

/** Before the id of the key and the ciphertext, in base64, where the data stood. */
const MARK = 'soma-sealed:'
const SEALED = new RegExp(`^${MARK}([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}):([A-Za-z0-9+/]+=*)$`)

export interface SealedBusOptions {
  readonly bus: EventBus
  readonly keys: SealingKeys
  /** False = what is appended from now on can be read by other programs; what was sealed is opened all the same. */
  readonly seals: boolean
}

/**
 * A log outside the database in which the data of events is sealed for its tenant and user; all other attributes can be read. What is read is byte by byte what was
 * appended. Where the key was destroyed the data reads as erased; what cannot be opened for another reason is text that is no event.
 */
export function createSealedBus({ bus, keys, seals }: SealedBusOptions): EventBus {
  const sealAll = async (records: readonly AppendRecord[]): Promise<AppendRecord[]> => {
    const owners = records.map(({ tenantId, userId }) => ({ tenantId, userId: userId ?? '' }))
    const found = await keys.forSealing(owners)
    return records.map((record, index) => sealRecord(record, found[index] as LiveSealingKey))
  }
  const openAll = async (records: readonly LogRecord[]): Promise<LogRecord[]> => {
    const sealed = records.map(sealedDataOf)
    const wanted = sealed.flatMap((data) => data?.keyId ?? [])
    if (wanted.length === 0) return [...records]
    const found = await keys.byId(wanted)
    return records.map((record, index) => {
      const data = sealed[index]
      return data === undefined ? record : { ...record, envelope: openEnvelope(record, data, found.get(data.keyId)) }
    })
  }
  return {
    ...bus,
    append: async (records, session) => bus.append(seals ? await sealAll(records) : records, session),
    read: async (from) => openAll(await bus.read(from)),
  }
}

type Attributes = readonly (readonly [string, unknown])[]

const isData = (name: string): boolean => name === 'data' || name === 'data_base64'

/** The name goes with the value, so that bytes come back as bytes. */
function sealRecord(record: AppendRecord, { keyId, key }: LiveSealingKey): AppendRecord {
  const event = parse(record.envelope)
  if (event === undefined) return record
  const sealed = Object.entries(event).map(([name, value]) => {
    if (!isData(name)) return [name, value]
    const bytes = seal(Buffer.from(JSON.stringify([name, value])), key, aboutOf(record))
    return ['data', `${MARK}${keyId}:${bytes.toString('base64')}`]
  })
  return { ...record, envelope: JSON.stringify(Object.fromEntries(sealed)) }
}

/** No part of it may be moved to another event. */
const aboutOf = ({ topic, tenantId, userId, eventId }: AppendRecord): string =>
  `${topic}\0${tenantId}\0${userId ?? ''}\0${eventId}`

interface SealedData {
  readonly attributes: Attributes
  readonly keyId: string
  readonly sealed: string
}

/** Undefined for what nobody sealed: an event without data, of an outside writer, or from before. */
function sealedDataOf({ envelope }: LogRecord): SealedData | undefined {
  if (!envelope.includes(`"data":"${MARK}`)) return undefined
  const event = parse(envelope)
  const parts = SEALED.exec(typeof event?.['data'] === 'string' ? event['data'] : '')
  if (event === undefined || parts === null) return undefined
  return { attributes: Object.entries(event), keyId: parts[1] as string, sealed: parts[2] as string }
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function openEnvelope(record: LogRecord, { attributes, sealed }: SealedData, found: SealingKey | undefined): string {
  if (found?.key === null) return eraseData(record.envelope)
  const plain = found === undefined ? undefined : unsealed(sealed, found.key, aboutOf(record))
  if (plain === undefined) return `sealed data that cannot be opened: ${record.envelope}`
  return JSON.stringify(
    Object.fromEntries(attributes.map(([name, value]) => (name === 'data' ? plain : [name, value]))),
  )
}

function unsealed(sealed: string, key: LiveSealingKey['key'], about: string): [string, unknown] | undefined {
  try {
    return JSON.parse(unseal(Buffer.from(sealed, 'base64'), key, about).toString()) as [string, unknown]
  } catch {
    return undefined
  }
}
