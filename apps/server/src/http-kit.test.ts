import { commonProblems, createSseParser, newId } from '@soma/kernel'
import { toOpenApi } from '@soma/runtime'
import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestServer, type TestServer, testContext } from '../testing/index.ts'
import { notesContract, notesModule } from '../testing/notes-module.ts'

let server: TestServer
beforeAll(async () => {
  server = await createTestServer({ modules: [notesModule] })
}, 60_000)
afterAll(() => server.stop())

const request = async (
  method: string,
  path: string,
  options: {
    body?: unknown
    raw?: string
    headers?: Record<string, string>
    as?: ReturnType<typeof testContext> | null
  } = {},
) => {
  const { body, raw, as = testContext() } = options
  const response = await fetch(server.url + path, {
    method,
    headers: {
      ...(as === null ? {} : server.headersOf(as)),
      ...(body === undefined && raw === undefined ? {} : { 'content-type': 'application/json' }),
      ...options.headers,
    },
    ...(body === undefined && raw === undefined ? {} : { body: raw ?? JSON.stringify(body) }),
  })
  const text = await response.text()
  return {
    status: response.status,
    headers: response.headers,
    json: text.startsWith('{') ? JSON.parse(text) : undefined,
    text,
  }
}

describe('requests', () => {
  test('an operation answers its output with its status and entity tag', async () => {
    const created = await request('POST', '/v1/notes', { body: { text: 'hello' } })
    expect(created).toMatchObject({ status: 201, json: { text: 'hello', version: 1 } })
    expect(created.headers.get('etag')).toBe('"1"')
    expect(await request('GET', `/v1/notes/${created.json.noteId}`)).toMatchObject({ status: 200, json: created.json })
    expect(await request('DELETE', `/v1/notes/${created.json.noteId}`)).toMatchObject({ status: 204, text: '' })
  })

  test('a document comes as JSON or YAML with an entity tag of its bytes, and not again to who has them', async () => {
    const book = (headers: Record<string, string> = {}) => request('GET', '/v1/notes/book', { headers })
    const [json, yaml] = [await book(), await book({ accept: 'application/yaml' })]
    expect([json.headers.get('content-type'), json.json]).toEqual([
      expect.stringContaining('application/json'),
      { title: 'Notes', pages: [{ of: 1 }] },
    ])
    expect([yaml.headers.get('content-type'), yaml.text]).toEqual([
      expect.stringContaining('application/yaml'),
      'title: Notes\npages:\n  - of: 1\n',
    ])
    const tag = json.headers.get('etag') as string
    expect(yaml.headers.get('etag')).not.toBe(tag)
    expect(await book({ 'if-none-match': `"other", W/${tag}` })).toMatchObject({ status: 304, text: '' })
    expect((await book({ 'if-none-match': '"other"' })).status).toBe(200)
    expect((await book({ accept: 'text/html' })).status).toBe(406)
  })

  test('bad input is refused with one entry a field, all parts at once', async () => {
    const { status, json } = await request('PATCH', '/v1/notes/wrong', {
      body: { text: '', colour: 'red' },
      headers: { 'if-match': '"1"' },
    })
    expect(status).toBe(422)
    expect(json).toMatchObject({ type: '/problems/invalid-request', code: 'invalid-request', retryable: false })
    expect(json.errors.map((error: { pointer: string }) => error.pointer).sort()).toEqual([
      '/body/colour',
      '/body/text',
      '/params/noteId',
    ])
  })

  test.each([
    ['not JSON', '{', 400, 'malformed-body'],
    ['a prototype key', '{"text":"x","__proto__":{"a":1}}', 400, 'malformed-body'],
    ['a constructor key', '{"text":"x","constructor":{"prototype":{"a":1}}}', 400, 'malformed-body'],
    ['no body', '', 422, 'invalid-request'],
    ['an array', '[]', 422, 'invalid-request'],
    ['too much', JSON.stringify({ text: 'x'.repeat(2_000) }), 413, 'payload-too-large'],
  ])('%s is refused by name', async (_name, raw, status, code) => {
    expect(await request('POST', '/v1/notes', { raw })).toMatchObject({ status, json: { code, status } })
  })

  test('another content type is refused', async () => {
    expect(
      await request('POST', '/v1/notes', {
        raw: 'text=x',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      }),
    ).toMatchObject({ status: 415, json: { code: 'unsupported-media-type' } })
  })

  test('a method that a path does not have is told with those it has', async () => {
    const answer = await request('PUT', '/v1/notes')
    expect(answer).toMatchObject({ status: 405, json: { code: 'method-not-allowed' } })
    expect(answer.headers.get('allow')).toBe('POST, GET, HEAD')
  })

  test('HEAD answers as GET without a body', async () => {
    expect(await request('HEAD', '/v1/notes')).toMatchObject({ status: 200, text: '' })
  })

  test.each(['/nowhere', '/v1/notes/%E0%A4%A', '/v1/notes/a/b/c'])('%s is not found', async (path) => {
    expect(await request('GET', path)).toMatchObject({ status: 404, json: { code: 'not-found' } })
  })

  test('what cannot be accepted is refused', async () => {
    expect(await request('GET', '/v1/notes', { headers: { accept: 'application/xml' } })).toMatchObject({
      status: 406,
      json: { code: 'not-acceptable' },
    })
  })

  test('headers over 16 KiB are refused as a problem', async () => {
    expect(await request('GET', '/v1/notes', { headers: { 'x-long': 'x'.repeat(20_000) } })).toMatchObject({
      status: 431,
      json: { code: 'headers-too-large' },
    })
  })

  test('every problem names a page that exists, and carries the trace of the request', async () => {
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const { json } = await request('POST', '/v1/notes', { body: { text: 'silly' }, headers: { traceparent } })
    expect(json).toMatchObject({
      code: 'too-silly',
      remedy: 'Be serious.',
      traceId: '0af7651916cd43dd8448eb211c80319c',
    })
    const page = await request('GET', json.type, { as: null })
    expect(page.status).toBe(200)
    expect(page.text).toContain('too-silly')
    for (const { code } of Object.values(commonProblems))
      expect((await request('GET', `/problems/${code}`, { as: null })).status).toBe(200)
  })
})

describe('who may', () => {
  test('nobody is unauthenticated, except on public operations', async () => {
    const answer = await request('GET', '/v1/notes', { as: null })
    expect(answer).toMatchObject({ status: 401, json: { code: 'unauthenticated' } })
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="soma"')
    expect(await request('GET', '/v1/notes/hello', { as: null })).toMatchObject({
      status: 200,
      json: { hello: 'world' },
    })
  })

  test('a missing capability is named, before the input is looked at', async () => {
    const as = testContext({ capabilities: ['note:read'] })
    expect(await request('POST', '/v1/notes', { body: { text: 7 }, as })).toMatchObject({
      status: 403,
      json: { code: 'forbidden', capability: 'note:write' },
    })
  })

  test('what belongs to another tenant looks like what does not exist', async () => {
    const mine = await request('POST', '/v1/notes', { body: { text: 'mine' } })
    const foreign = testContext({ tenantId: 'tenant-b' })
    const absentId = newId('note')
    const [theirs, absent] = [
      await request('GET', `/v1/notes/${mine.json.noteId}`, { as: foreign }),
      await request('GET', `/v1/notes/${absentId}`, { as: foreign }),
    ]
    const masked = (answer: typeof theirs, id: string) => ({
      status: answer.status,
      body: { ...answer.json, traceId: '', detail: answer.json.detail.replace(id, 'ID') },
    })
    expect(masked(theirs, mine.json.noteId)).toEqual(masked(absent, absentId))
    expect((await request('GET', '/v1/notes', { as: foreign })).json.items).toEqual([])
  })
})

describe('changes', () => {
  test('a change needs the version that was read, and a stale one is told the current', async () => {
    const { json } = await request('POST', '/v1/notes', { body: { text: 'v1' } })
    const path = `/v1/notes/${json.noteId}`
    expect(await request('PATCH', path, { body: { text: 'v2' } })).toMatchObject({
      status: 422,
      json: { code: 'invalid-request' },
    })
    expect(await request('PATCH', path, { body: { text: 'v2' }, headers: { 'if-match': '"1"' } })).toMatchObject({
      status: 200,
      json: { version: 2 },
    })
    expect(await request('PATCH', path, { body: { text: 'v3' }, headers: { 'if-match': '"1"' } })).toMatchObject({
      status: 412,
      json: { code: 'version-conflict', version: 2 },
    })
    expect(await request('PATCH', path, { body: { text: 'v3' }, headers: { 'if-match': 'W/"1"' } })).toMatchObject({
      status: 422,
    })
    const beyond = { 'if-match': '"999999999999999"' }
    expect(await request('PATCH', path, { body: { text: 'v3' }, headers: beyond })).toMatchObject({ status: 412 })
  })

  test('the same Idempotency-Key and body give the stored answer; another body is refused', async () => {
    const headers = { 'idempotency-key': 'key-1' }
    const first = await request('POST', '/v1/notes', { body: { text: 'once' }, headers })
    expect(await request('POST', '/v1/notes', { body: { text: 'once' }, headers })).toMatchObject({
      status: 201,
      json: first.json,
    })
    expect(await request('POST', '/v1/notes', { body: { text: 'other' }, headers })).toMatchObject({
      status: 422,
      json: { code: 'idempotency-key-reused' },
    })
    expect(
      (await request('POST', '/v1/notes', { body: { text: 'other' }, headers, as: testContext({ userId: 'usr-b' }) }))
        .status,
    ).toBe(201)
  })

  test('equal keys at once make one note', async () => {
    const headers = { 'idempotency-key': 'key-2' }
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => request('POST', '/v1/notes', { body: { text: 'race' }, headers })),
    )
    const made = answers.filter(({ status }) => status === 201)
    expect(new Set(made.map(({ json }) => json.noteId)).size).toBe(1)
    expect(answers.filter(({ status }) => status !== 201).every(({ json }) => json.code === 'conflict')).toBe(true)
  })

  test('a failed request may be repeated with its key', async () => {
    const headers = { 'idempotency-key': 'key-3' }
    expect((await request('POST', '/v1/notes', { body: { text: 'silly' }, headers })).status).toBe(422)
    expect((await request('POST', '/v1/notes', { body: { text: 'silly' }, headers })).json.code).toBe('too-silly')
  })

  test('pages follow one another without hole or repeat', async () => {
    const as = testContext({ tenantId: 'tenant-pages' })
    for (let index = 0; index < 7; index++) await request('POST', '/v1/notes', { body: { text: `n${index}` }, as })
    const texts: string[] = []
    for (let cursor: string | null = ''; cursor !== null; ) {
      const { json } = await request('GET', `/v1/notes?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`, { as })
      texts.push(...json.items.map((item: { text: string }) => item.text))
      cursor = json.nextCursor
    }
    expect(texts).toEqual(['n6', 'n5', 'n4', 'n3', 'n2', 'n1', 'n0'])
  })
})

describe('bugs of ours', () => {
  test.each(['throw', 'undeclared', 'output', 'call-in-transaction', 'wait-in-transaction'])(
    '%s leaves as internal, without its cause',
    async (how) => {
      const answer = await request('POST', '/v1/notes/break', { body: { how } })
      expect(answer).toMatchObject({ status: 500, json: { code: 'internal', retryable: true } })
      expect(answer.text).not.toContain('hunter2')
      expect(answer.text).not.toContain('planted')
      expect(answer.json.traceId).toMatch(/^[0-9a-f]{32}$/)
    },
  )

  test('the database serves on after a transaction that waited', async () => {
    await request('POST', '/v1/notes/break', { body: { how: 'wait-in-transaction' } })
    expect((await request('POST', '/v1/notes', { body: { text: 'after' } })).status).toBe(201)
  })
})

describe('streams', () => {
  const frames = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(server.url + path, { headers: { ...server.headersOf(testContext()), ...headers } })
    return createSseParser()(await response.text())
  }

  test('a stream sends its frames with cursors and resumes after one', async () => {
    expect((await frames('/v1/notes/count?to=3')).map(({ id, event, data }) => [id, event, data])).toEqual([
      ['1', 'number', '{"value":1}'],
      ['2', 'number', '{"value":2}'],
      ['3', 'number', '{"value":3}'],
    ])
    expect((await frames('/v1/notes/count?to=3', { 'last-event-id': '2' })).map(({ id }) => id)).toEqual(['3'])
  })

  test('a client that goes away ends its stream', async () => {
    const leaving = new AbortController()
    const response = await fetch(`${server.url}/v1/notes/count?to=1000000`, {
      headers: server.headersOf(testContext()),
      signal: leaving.signal,
    })
    await response.body?.getReader().read()
    leaving.abort()
    expect((await request('GET', '/health', { as: null })).status).toBe(200)
  })

  test('problems before the first frame are problem documents', async () => {
    expect(await request('GET', '/v1/notes/count?to=x')).toMatchObject({
      status: 422,
      json: { code: 'invalid-request' },
    })
  })
})

describe('in process', () => {
  test('a client call is authorised and validated as over HTTP', async () => {
    const notes = server.client(notesContract).notes
    await expect(notes.create(testContext({ capabilities: [] }), { body: { text: 'x' } })).rejects.toMatchObject({
      code: 'forbidden',
    })
    await expect(notes.create(testContext(), { body: { text: '' } })).rejects.toMatchObject({ code: 'invalid-request' })
    expect(await notes.create(testContext(), { body: { text: 'x' } })).toMatchObject({ text: 'x' })
  })
})

describe('documents', () => {
  test('the OpenAPI document is valid and lists every problem of every operation', async () => {
    const { json } = await request('GET', '/openapi.json', { as: null })
    const result = await new Validator().validate(json)
    expect(result).toMatchObject({ valid: true })
    expect(Object.keys(json.paths['/v1/notes'].post.responses)).toEqual(
      expect.arrayContaining(['201', '400', '401', '403', '404', '409', '413', '415', '422', '500', '503']),
    )
    expect(json.paths['/v1/notes'].post.responses[422].description).toContain('too-silly')
    expect(JSON.stringify(toOpenApi([notesContract], { version: '1' }))).toBe(
      JSON.stringify(toOpenApi([notesContract], { version: '1' })),
    )
  })

  test('readiness asks the database', async () => {
    expect((await request('GET', '/ready', { as: null })).json).toMatchObject({
      status: 'ready',
      checks: [{ name: 'database', ok: true }],
    })
  })
})
