import { commonProblems, type RawRequest } from '@soma/kernel'

/** Attribute of the wire → field of `eventInputSchema`, for those whose spelling differs. */
const FIELDS: Readonly<Record<string, string>> = {
  datacontenttype: 'dataContentType',
  dataschema: 'dataSchema',
  data_base64: 'dataBase64',
  dataref: 'dataRef',
  tenantid: 'tenantId',
  userid: 'userId',
  spaceid: 'spaceId',
  sessionid: 'sessionId',
  planid: 'planId',
  taskid: 'taskId',
  goalid: 'goalId',
  personaid: 'personaId',
  capsuleid: 'capsuleId',
  correlationid: 'correlationId',
  causationid: 'causationId',
  responsetype: 'responseType',
  responsetopic: 'responseTopic',
  responseschema: 'responseSchema',
  partitionkey: 'partitionKey',
  expirytime: 'expiryTime',
  deliverat: 'deliverAt',
}
const SAME = new Set([
  'id',
  'source',
  'type',
  'topic',
  'time',
  'subject',
  'data',
  'traceparent',
  'tracestate',
  'outcome',
])
/** What the server stamps and overwrites: a caller's value is dropped (EVT-R3). */
const STAMPED = new Set([
  'specversion',
  'authtype',
  'authid',
  'constitutionhash',
  'region',
  'recordedtime',
  'sequence',
  'replayid',
])

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const mediaTypeOf = (contentType: string): string => contentType.split(';')[0]?.trim().toLowerCase() ?? ''

/** A CloudEvents JSON object as the fields of `eventInputSchema`. Pure. @throws malformed-body for what is no CloudEvents 1.0 event. */
export function fromCloudEvent(value: unknown): Record<string, unknown> {
  if (!isRecord(value)) throw commonProblems.malformedBody.create('the body is not a CloudEvents object')
  if (value.specversion !== '1.0')
    throw commonProblems.malformedBody.create(`specversion is ${JSON.stringify(value.specversion)}; only "1.0" is read`)
  const input: Record<string, unknown> = {}
  const extensions: Record<string, unknown> = {}
  for (const [name, member] of Object.entries(value)) {
    if (member === null && name !== 'data') continue
    if (STAMPED.has(name)) continue
    if (SAME.has(name)) input[name] = member
    else if (name in FIELDS) input[FIELDS[name] as string] = member
    else if (/^[a-z0-9]+$/.test(name)) extensions[name] = member
    else throw commonProblems.malformedBody.create(`the attribute name "${name}" is not lower-case alphanumeric`)
  }
  return Object.keys(extensions).length === 0 ? input : { ...input, extensions }
}

function fromBinary({ headers, contentType, body }: RawRequest): Record<string, unknown> {
  const event: Record<string, unknown> = {}
  for (const [header, value] of Object.entries(headers)) {
    if (header.startsWith('ce-') && value !== undefined) event[header.slice(3)] = headerText(value)
  }
  for (const name of ['data', 'data_base64', 'datacontenttype'])
    if (name in event) throw commonProblems.malformedBody.create(`ce-${name} is not a CloudEvents header`)
  if (contentType !== '') event.datacontenttype = contentType
  return fromCloudEvent({ ...event, ...dataOf(body, mediaTypeOf(contentType)) })
}

const TEXT = /^(text\/.*|application\/xml|.*\+xml)$/

/** JSON as it was parsed, text that is UTF-8 as text, all other bytes as they are. */
function dataOf(body: unknown, mediaType: string): { data?: unknown; data_base64?: string } {
  if (body === undefined) return {}
  if (!(body instanceof Uint8Array)) return { data: body }
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(body)
  if (mediaType === '') return { data: parseJson(text) }
  const isText = TEXT.test(mediaType) && isSame(new TextEncoder().encode(text), body)
  return isText ? { data: text } : { data_base64: base64(body) }
}

/** Without a content type the data is JSON (CloudEvents 1.0, datacontenttype). */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text, (key, value: unknown) => {
      if (key === '__proto__') throw new SyntaxError('a key is __proto__')
      return value
    })
  } catch (error) {
    throw commonProblems.malformedBody.create('the data has no content type and is no JSON', { cause: error })
  }
}

const isSame = (left: Uint8Array, right: Uint8Array): boolean =>
  left.length === right.length && left.every((byte, index) => byte === right[index])

const base64 = (bytes: Uint8Array): string => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))

/** Header values arrive as Latin-1; bytes beyond ASCII, which no SDK should send and some do, are UTF-8 where they can be. */
function utf8Text(value: string): string {
  if (!/[\u0080-\u00ff]/.test(value)) return value
  try {
    const bytes = Uint8Array.from(value, (character) => character.charCodeAt(0))
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return value
  }
}

/**
 * The text of a `ce-` header by the HTTP binding 1.0.2: out of its quotes, then percent-decoded once. What is no percent-encoded UTF-8 stands as it is: not
 * every SDK encodes.
 */
function headerText(value: string): string {
  const text = utf8Text(value)
  const quoted = /^"(.*)"$/s.exec(text)?.[1]?.replaceAll(/\\(.)/gs, '$1')
  return (quoted ?? text).replaceAll(/(?:%[0-9A-Fa-f]{2})+/g, (encoded) => {
    try {
      return decodeURIComponent(encoded)
    } catch {
      return encoded
    }
  })
}

/** Publish: plain JSON as it is, structured (`application/cloudevents+json`) and binary (`ce-*` headers) CloudEvents as plain fields. */
export function decodeEvent(request: RawRequest): unknown {
  if (mediaTypeOf(request.contentType) === 'application/cloudevents+json') {
    const headerId = request.headers['ce-id']
    if (headerId !== undefined && isRecord(request.body) && request.body.id !== headerId)
      throw commonProblems.malformedBody.create(
        `the header says id "${headerId}", the body "${String(request.body.id)}"`,
      )
    return fromCloudEvent(request.body)
  }
  return request.headers['ce-specversion'] === undefined ? request.body : fromBinary(request)
}

/** Publish-batch: `application/cloudevents-batch+json` or `{ events }` of plain events. */
export function decodeEvents(request: RawRequest): unknown {
  if (mediaTypeOf(request.contentType) !== 'application/cloudevents-batch+json') return request.body
  if (!Array.isArray(request.body)) throw commonProblems.malformedBody.create('a batch of CloudEvents is a JSON array')
  return { events: request.body.map(fromCloudEvent) }
}
