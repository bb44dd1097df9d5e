export interface SseMessage {
  readonly id?: string
  /** Default `message`. */
  readonly event: string
  readonly data: string
}

/**
 * An incremental parser of `text/event-stream` (https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream):
 * lines end in CR, LF or CRLF, also split over chunks; several `data` lines join with LF; comments and a leading BOM are skipped.
 */
export function createSseParser(): (chunk: string) => SseMessage[] {
  let rest = ''
  let first = true
  let lastWasCr = false
  let data: string[] = []
  let event = ''
  let id: string | undefined

  const dispatch = (): SseMessage | undefined => {
    const message =
      data.length === 0
        ? undefined
        : { ...(id === undefined ? {} : { id }), event: event === '' ? 'message' : event, data: data.join('\n') }
    data = []
    event = ''
    return message
  }
  const take = (line: string): SseMessage | undefined => {
    if (line === '') return dispatch()
    const colon = line.indexOf(':')
    if (colon === 0) return undefined
    const field = colon === -1 ? line : line.slice(0, colon)
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (field === 'data') data.push(value)
    else if (field === 'event') event = value
    else if (field === 'id' && !value.includes('\0')) id = value
    return undefined
  }

  return (chunk) => {
    let text = chunk
    if (lastWasCr && text.startsWith('\n')) text = text.slice(1)
    if (chunk !== '') lastWasCr = chunk.endsWith('\r')
    if (first && text !== '') {
      text = text.replace(/^\uFEFF/, '')
      first = false
    }
    const lines = (rest + text).split(/\r\n|\r|\n/)
    rest = lines.pop() as string
    return lines.map(take).filter((message) => message !== undefined)
  }
}

/** One frame as text. Line breaks in data become several `data` lines. */
export function formatSse(frame: { id?: string; event: string; data: unknown }): string {
  const json = JSON.stringify(frame.data)
  return `${frame.id === undefined ? '' : `id: ${frame.id}\n`}event: ${frame.event}\ndata: ${json}\n\n`
}
