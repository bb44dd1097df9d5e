/** What stands in the place of data that was erased. */
export const ERASED_DATA = { erased: true } as const

/**
 * The JSON of an event without its data: the other attributes stay, in their order. An event that has none stays as it is; of text that is no JSON object nothing stays.
 */
export function eraseData(envelope: string): string {
  const event = parseObject(envelope)
  if (event === undefined) return ''
  const isBinary = 'data_base64' in event
  return JSON.stringify(
    Object.fromEntries(
      Object.entries(event).map(([name, value]) => {
        if (name === 'data' || name === 'data_base64') return ['data', ERASED_DATA]
        return [name, isBinary && name === 'datacontenttype' ? 'application/json' : value]
      }),
    ),
  )
}

function parseObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}
