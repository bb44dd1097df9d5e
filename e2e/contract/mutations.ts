import fc from 'fast-check'
import type { Operation } from '@soma/kernel'
import { requestOf, urlOf } from './requests.ts'
import { type Input, PARTS } from './sample.ts'

/** A request as bytes on the way: nothing checks it before it leaves. */
export interface WireRequest {
  readonly how: string
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | Buffer
}

/** Values that code tends not to expect, wherever a field stands. */
const HOSTILE: readonly unknown[] = [
  null,
  '',
  ' ',
  '\0',
  'a\0b',
  '\uD800',
  'x\uDC00',
  '\u202Eevil',
  '💥'.repeat(50),
  'x'.repeat(300),
  'x'.repeat(70_000),
  true,
  false,
  0,
  -0,
  -1,
  1.5,
  2 ** 31,
  -(2 ** 31) - 1,
  2 ** 53 - 1,
  2 ** 53,
  1e21,
  1e308,
  -1e308,
  5e-324,
  '2147483648',
  '9223372036854775808',
  'NaN',
  'Infinity',
  '1e400',
  [],
  {},
  [[]],
  [null],
  { '': 1 },
  { toString: 1 },
  { length: -1 },
  { $ref: '#' },
  { hasOwnProperty: 1 },
  '0000-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999Z',
  '+275760-09-13T00:00:00.001Z',
  '2026-02-30T00:00:00Z',
  '2026-01-01T00:00:00.123456789Z',
  '1970-01-01T00:00:00Z',
  "'; drop table plans.plans; --",
  '%',
  '_',
  '\\',
  '\\u0000',
  '../../etc/passwd',
  '${7*7}',
  '{{7*7}}',
  '<script>',
  '__proto__',
  'constructor',
  'plan_01h455vb4pex5vsknk084sn02q',
  'plan_7zzzzzzzzzzzzzzzzzzzzzzzzz',
  'plan_8zzzzzzzzzzzzzzzzzzzzzzzzz',
  'ffffffff-ffff-ffff-ffff-ffffffffffff',
  '00000000-0000-0000-0000-000000000000',
]

const CURSORS: readonly string[] = [
  '',
  'x',
  'null',
  '[]',
  '[1]',
  '["a"]',
  '["a","b"]',
  '[1,2]',
  '["2026-01-01T00:00:00.000Z","not-a-uuid"]',
  '["2026-01-01T00:00:00.000Z","00000000-0000-0000-0000-000000000000"]',
  '[null,null]',
  '[{},{}]',
  '["a\\u0000","b"]',
  '[1e308,1e308]',
  '["9999999-01-01","x","y"]',
  '[9223372036854775808]',
  '["-infinity","018f2b6e-6f2b-7cc3-a7d5-2f1e8a4b9c01"]',
  '[1.5,"018f2b6e-6f2b-7cc3-a7d5-2f1e8a4b9c01"]',
  '["x",1]',
  '[[],[]]',
  '["",""]',
  '["0-1","0-1"]',
  '[-1,-1]',
  '[0,99999999999999999999]',
].flatMap((text) => [text, Buffer.from(text).toString('base64url')])

const HEADERS: readonly Readonly<Record<string, string>>[] = [
  { 'idempotency-key': '' },
  { 'idempotency-key': 'x'.repeat(255) },
  { 'idempotency-key': 'x'.repeat(256) },
  { 'idempotency-key': '\u00ff\u0080' },
  { 'idempotency-key': "a' or 1=1" },
  { 'idempotency-key': 'same' },
  { 'if-match': '*' },
  { 'if-match': 'W/"1"' },
  { 'if-match': '1' },
  { 'if-match': '""' },
  { 'if-match': '"-1"' },
  { 'if-match': '"1", "2"' },
  { 'if-match': '"999999999999999"' },
  { 'if-match': '"2147483648"' },
  { 'if-match': '"0"' },
  { 'content-type': 'text/plain' },
  { 'content-type': 'application/xml' },
  { 'content-type': 'multipart/form-data' },
  { 'content-type': 'application/json; charset=utf-16' },
  { 'content-type': 'application/json;;;' },
  { 'content-type': '/' },
  { 'content-type': 'application/cloudevents+json' },
  { 'content-type': 'application/cloudevents-batch+json' },
  { 'content-type': 'application/merge-patch+json' },
  { accept: 'text/html' },
  { accept: '' },
  { accept: '*/*;q=0' },
  { 'accept-encoding': 'x'.repeat(500) },
  { authorization: 'Bearer' },
  { authorization: 'Bearer wrong' },
  { authorization: 'Basic Og==' },
  { authorization: `Bearer ${'x'.repeat(8000)}` },
  { authorization: 'Bearer a.b.c' },
  { authorization: 'Bearer soma_x' },
  { 'x-tenant-id': '' },
  { 'x-tenant-id': 'x'.repeat(200) },
  { 'x-user-id': '\u00e9\u00e8' },
  { 'x-space-id': 'x'.repeat(129) },
  { 'soma-delivery': 'wrong' },
  { 'soma-delivery': 'dlv_01h455vb4pex5vsknk084sn02q' },
  { traceparent: 'garbage' },
  { traceparent: `00-${'0'.repeat(32)}-${'0'.repeat(16)}-00` },
  { 'last-event-id': 'garbage' },
  { 'last-event-id': 'x'.repeat(2000) },
  { 'last-event-id': '0-0' },
  { 'ce-specversion': '1.0', 'ce-type': 'a.b', 'ce-id': '%ZZ' },
  { 'ce-specversion': '1.0', 'ce-type': '%00', 'ce-id': '1', 'ce-source': '/x' },
  { 'ce-specversion': '9.9' },
  { origin: 'https://evil.example' },
  { expect: 'wrong' },
  { 'x-long': 'x'.repeat(17_000) },
  { cookie: 'x'.repeat(4000) },
  { 'content-encoding': 'gzip' },
  { 'x-forwarded-for': '1.1.1.1' },
]

const BODIES: readonly (string | Buffer)[] = [
  '',
  ' ',
  '{',
  '[',
  '{"a":',
  '"',
  'nul',
  'null',
  'true',
  '0',
  '[]',
  '{}',
  '"x"',
  '{}{}',
  '{"a":1,}',
  '{"a":NaN}',
  "{'a':1}",
  '{"a":1,"a":2}',
  '\ufeff{}',
  '{"__proto__":{"x":1}}',
  '{"constructor":{"prototype":{"x":1}}}',
  '['.repeat(50_000),
  '['.repeat(50_000) + ']'.repeat(50_000),
  '{"a":'.repeat(5_000) + '1' + '}'.repeat(5_000),
  '['.repeat(120) + ']'.repeat(120),
  '1'.repeat(5_000),
  '1e999999',
  '-',
  '{"a":"\\ud800"}',
  '{"a":"\\u0000"}',
  '{"\\u0000":1}',
  Buffer.from([0xff, 0xfe, 0x7b, 0x7d]),
  Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d]),
  Buffer.from('{"a":"\u0080"}', 'latin1'),
  Buffer.alloc(1000),
  Buffer.from('{}', 'utf16le'),
  'x'.repeat(1_100_000),
]

const PATHS: readonly ((path: string) => string)[] = [
  (path) => `${path}/`,
  (path) => `/${path}`,
  (path) => `${path}%00`,
  (path) => `${path}%`,
  (path) => `${path}%ZZ`,
  (path) => `${path}%2F..`,
  (path) => path.replace('/v1', '/V1'),
  (path) => `${path}/%E0%A4%A`,
  (path) => path.replace(/[^/]+$/, '..'),
  (path) => path.replace(/[^/]+$/, 'x'.repeat(3000)),
  (path) => path.replace(/[^/]+$/, '%F0%9F%92%A9'),
  (path) => path.replace(/[^/]+$/, '%ED%A0%80'),
  (path) => path.replace(/[^/?]+(\?|$)/, '%00$1'),
  (path) => `${path};a=b`,
  (path) => path.replace(/[^/]+$/, '%25'),
  (path) => path.replace(/[^/]+$/, 'constructor'),
  (path) => path.replace(/[^/]+$/, '__proto__'),
]

const METHODS = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND', 'QUERY'] as const

const QUERIES: readonly string[] = [
  'limit=0',
  'limit=-1',
  'limit=1e3',
  'limit=NaN',
  'limit=',
  'limit=201',
  'limit=1&limit=2',
  'cursor=a&cursor=b',
  '__proto__=1',
  'constructor=1',
  'a[b]=c',
  'a%00b=1',
  '%=%',
  '%ZZ=1',
  'x=%ED%A0%80',
  'x=%00',
  '='.repeat(100),
  '&'.repeat(500),
  'from=9999-99-99T99:99:99Z',
]

/** Puts a hostile value at some place of an input. */
function spoil(input: Input, choose: { place: number; value: number }): Input {
  const copy = structuredClone(input) as Record<string, unknown>
  const places: [Record<string, unknown>, string][] = []
  const collect = (value: unknown) => {
    if (typeof value !== 'object' || value === null) return
    for (const name of Object.keys(value)) {
      const owner = value as Record<string, unknown>
      places.push([owner, name])
      collect(owner[name])
    }
  }
  for (const part of PARTS) if (copy[part] !== undefined) collect(copy[part])
  if (places.length === 0) return copy
  const [owner, name] = places[choose.place % places.length] as [Record<string, unknown>, string]
  owner[name] = HOSTILE[choose.value % HOSTILE.length]
  return copy as Input
}

/** One kind of damage; `n` and `m` choose among its variants. */
type Damage = (operation: Operation, input: Input, choose: { n: number; m: number }) => Partial<WireRequest>

const pick = <T>(list: readonly T[], index: number): T => list[index % list.length] as T

const DAMAGES: Readonly<Record<string, Damage>> = {
  field: (operation, input, { n, m }) => wire(operation, spoil(input, { place: n, value: m })),
  'two fields': (operation, input, { n, m }) =>
    wire(operation, spoil(spoil(input, { place: n, value: m }), { place: m, value: n })),
  body: (_operation, _input, { n }) => ({ body: pick(BODIES, n) }),
  header: (_operation, _input, { n }) => ({ headers: pick(HEADERS, n) }),
  'two headers': (_operation, _input, { n, m }) => ({ headers: { ...pick(HEADERS, n), ...pick(HEADERS, m) } }),
  path: (operation, input, { n }) => ({ path: pick(PATHS, n)(urlOf(operation, input)) }),
  method: (_operation, _input, { n }) => ({ method: pick(METHODS, n) }),
  cursor: (operation, input, { n }) => ({
    path: urlOf(operation, { ...input, query: { ...input.query, cursor: pick(CURSORS, n) } }),
  }),
  query: (operation, input, { n }) => ({
    path: `${urlOf(operation, input)}${input.query === undefined || Object.keys(input.query).length === 0 ? '?' : '&'}${pick(QUERIES, n)}`,
  }),
}

function wire(operation: Operation, input: Input): Partial<WireRequest> {
  const { body } = requestOf(operation, input)
  return { path: urlOf(operation, input), ...(body === undefined ? {} : { body: body as string }) }
}

/** Malformed requests of some operations, the same ones for the same seed. */
export function malformedRequests(
  targets: readonly { operation: Operation; inputs: readonly Input[] }[],
  { count, seed }: { count: number; seed: number },
): { operation: Operation; request: WireRequest }[] {
  const arbitrary = fc.record({
    target: fc.nat(targets.length - 1),
    input: fc.nat(50),
    damage: fc.constantFrom('field', 'field', 'field', 'field', 'two fields', 'two fields', ...Object.keys(DAMAGES)),
    n: fc.nat(100_000),
    m: fc.nat(100_000),
  })
  return fc.sample(arbitrary, { numRuns: count, seed }).map(({ target, input, damage, n, m }) => {
    const { operation, inputs } = pick(targets, target)
    const good = pick(inputs, input)
    const { headers, ...rest } = (DAMAGES[damage] as Damage)(operation, good, { n, m })
    const base = requestOf(operation, good)
    return {
      operation,
      request: {
        how: damage,
        method: operation.method,
        path: urlOf(operation, good),
        headers: { ...(base.headers as Record<string, string>), ...headers },
        ...(base.body === undefined ? {} : { body: base.body as string }),
        ...rest,
      },
    }
  })
}
