import { connect, type Socket } from 'node:net'

/** An agent of the dialect as the original's clients behave, by hand: a token, publishes and raw streams. */
export interface SoormaAgent {
  readonly base: string
  readonly tenantId: string
  readonly headers: Readonly<Record<string, string>>
  readonly principalId: string
  publish(event: unknown): Promise<Answer>
  get(path: string): Promise<Answer>
  /** `<method> <path>`. */
  ask(request: string, body?: unknown): Promise<Answer>
  /** As the original's tracker client asks: with the headers that say for whom. */
  track(path: string): Promise<Answer>
}

export interface SoormaTenant extends SoormaAgent {
  /** Its administrator, as Soma knows it. */
  readonly adminId: string
  /** What proves the administrator. */
  readonly admin: Readonly<Record<string, string>>
  /** Another principal of the tenant. */
  as(type: string, asked?: Readonly<Record<string, unknown>>): Promise<SoormaAgent>
}

export interface Answer {
  readonly status: number
  // oxlint-disable-next-line typescript/no-explicit-any -- a test reads whatever members the wire has
  readonly body: any
}

async function send(
  url: string,
  headers: Readonly<Record<string, string>>,
  body?: unknown,
  method = body === undefined ? 'GET' : 'POST',
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
}

/** A new tenant with an agent of it; with a reference, the one that was just made for it. */
export async function onboard(base: string, reference = ''): Promise<SoormaTenant> {
  const { body: made } = await send(
    `${base}/v1/identity/onboarding`,
    { 'X-Identity-Admin-Key': 'dev-identity-admin' },
    { bootstrapAdminExternalRef: reference },
  )
  const tenantId: string = made.platformTenantId
  const admin = { 'X-Tenant-ID': tenantId, 'X-Identity-Admin-Key': made.tenantAdminApiKey }
  const as: SoormaTenant['as'] = async (principalType, asked = {}) => {
    const principal = await send(`${base}/v1/identity/principals`, admin, { tenantDomainId: tenantId, principalType })
    const { principalId } = principal.body
    const { serviceUserId = principalId, serviceTenantId = tenantId } = asked
    const whom = { 'X-Service-Tenant-ID': String(serviceTenantId), 'X-User-ID': String(serviceUserId) }
    const issued = await send(`${base}/v1/identity/tokens/issue`, admin, { principalId, ...asked })
    const headers = { Authorization: `Bearer ${issued.body.token}` }
    return {
      base,
      tenantId,
      headers,
      principalId,
      publish: (event) => send(`${base}/v1/events/publish`, headers, { event }),
      get: (path) => send(`${base}${path}`, headers),
      ask: (request, body) => {
        const [method = '', path = ''] = request.split(' ')
        return send(`${base}${path}`, headers, body, method)
      },
      track: (path) => send(`${base}${path}`, { ...headers, ...whom }),
    }
  }
  return { ...(await as('agent')), adminId: made.bootstrapAdminPrincipalId, admin, as }
}

export interface Frame {
  readonly event: string
  // oxlint-disable-next-line typescript/no-explicit-any -- a test reads whatever members the wire has
  readonly data: any
}

export interface RawStream {
  readonly headers: Headers
  /** Everything that came so far, as it came. */
  text(): string
  frames(): Frame[]
  /** The events of `message` frames. */
  // oxlint-disable-next-line typescript/no-explicit-any -- as above
  messages(): any[]
  /** Resolves with the first frame that fits, past or to come. @throws when none came in 50 s */
  waitFor(fits: (frame: Frame) => boolean): Promise<void>
  waitForMessages(count: number): Promise<void>
  resume(): void
  /** Breaks the connection. */
  close(): void
  /** When the server has ended it. */
  readonly ended: Promise<void>
}

const PATIENCE_MS = 50_000
const MESSAGE = 'event: message\r\n'
const END_OF_FRAME = '\r\n\r\n'

/** A stream over a plain socket, so that a test may stop reading. Resolves with its first frame. */
export async function openStream(
  agent: SoormaAgent,
  query: string,
  { paused = false, lastEventId }: { paused?: boolean; lastEventId?: string } = {},
): Promise<RawStream> {
  const { hostname, port, pathname } = new URL(agent.base)
  const socket: Socket = connect({ host: hostname, port: Number(port) })
  let received = ''
  let heard: () => void = () => {}
  socket.setEncoding('utf8').on('data', (part: string) => {
    received += part
    heard()
  })
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.on('error', () => socket.destroy())
  const head = [
    `GET ${pathname}/v1/events/stream?${query} HTTP/1.1`,
    `Host: ${hostname}`,
    `Authorization: ${agent.headers.Authorization}`,
    ...(lastEventId === undefined ? [] : [`Last-Event-ID: ${lastEventId}`]),
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n`)

  const bodyOf = () => {
    const at = received.indexOf('\r\n\r\n')
    return at < 0 ? '' : dechunk(received.slice(at + 4))
  }
  const frames = (): Frame[] => bodyOf().split('\r\n\r\n').slice(0, -1).map(frameOf)
  let counted = 0
  let countedTo = 0
  /** Those that came whole. Looks at what is new alone: a test may wait for megabytes. */
  const countMessages = (): number => {
    for (;;) {
      const at = received.indexOf(MESSAGE, countedTo)
      const end = at < 0 ? -1 : received.indexOf(END_OF_FRAME, at)
      if (end < 0) return counted
      counted += 1
      countedTo = end
    }
  }
  const until = async (isDone: () => boolean): Promise<void> => {
    const deadline = Date.now() + PATIENCE_MS
    while (!isDone()) {
      if (Date.now() > deadline) throw new Error(`nothing came that fits; what came ends with ${received.slice(-500)}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1000)
        heard = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }
  await until(() => bodyOf().includes('event: connected') || socket.destroyed)
  if (paused) socket.pause()
  return {
    headers: new Headers(
      received
        .slice(received.indexOf('\r\n') + 2, received.indexOf('\r\n\r\n'))
        .split('\r\n')
        .map((line) => line.split(': ', 2) as [string, string]),
    ),
    text: bodyOf,
    frames,
    messages: () =>
      frames()
        .filter(({ event }) => event === 'message')
        .map(({ data }) => data),
    waitFor: (fits) => until(() => frames().some(fits)),
    waitForMessages: (count) =>
      until(() => countMessages() >= count && frames().filter(({ event }) => event === 'message').length >= count),
    resume: () => socket.resume(),
    close: () => socket.destroy(),
    ended,
  }
}

function frameOf(text: string): Frame {
  const lines = text.split('\r\n')
  const valueOf = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? ''
  return { event: valueOf('event'), data: JSON.parse(valueOf('data')) }
}

/** Whole chunks of a body in chunked encoding, ASCII alone. */
function dechunk(body: string): string {
  let text = ''
  for (let at = 0; ; ) {
    const end = body.indexOf('\r\n', at)
    if (end < 0) return text
    const size = Number.parseInt(body.slice(at, end), 16)
    const chunk = body.slice(end + 2, end + 2 + size)
    if (!(size > 0) || chunk.length < size) return text
    text += chunk
    at = end + 2 + size + 2
  }
}
