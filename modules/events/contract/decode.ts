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
const isJson = (mediaType: string): boolean => mediaType === 'application/json' || mediaType.endsWith('+json')

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

function fromBinary(request: RawRequest): Record<string, unknown> {
  const event: Record<string, unknown> = {}
  for (const [header, value] of Object.entries(request.headers)) {
    if (header.startsWith('ce-') && value !== undefined) event[header.slice(3)] = unescape(value)
  }
  const mediaType = mediaTypeOf(request.contentType)
  if (request.contentType !== '') event.datacontenttype = request.contentType
  for (const name of ['data', 'data_base64', 'datacontenttype'])
    if (`ce-${name}` in request.headers)
      throw commonProblems.malformedBody.create(`ce-${name} is not a CloudEvents header`)
  if (request.body !== undefined && request.body !== '') {
    if (isJson(mediaType) || typeof request.body === 'string') event.data = request.body
    else throw commonProblems.malformedBody.create(`a body of ${mediaType} cannot be read in binary mode`)
  }
  return fromCloudEvent(event)
}

/** Header values of the HTTP binding are percent-encoded UTF-8. */
function unescape(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch (error) {
    throw commonProblems.malformedBody.create(`the header value "${value}" is not percent-encoded UTF-8`, {
      cause: error,
    })
  }
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
