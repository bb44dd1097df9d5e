export type Led = 'green' | 'amber' | 'red'

/** A reader whose oldest event is older than so many times the threshold is red. */
const RED_AT = 4

/** The worst of all readers: amber from the threshold of the server on, red at four times it. */
export function lagLed(
  readers: readonly { readonly isLagging: boolean; readonly oldestAgeMs: number | null }[],
  lagSloMs: number,
): Led {
  const lagging = readers.filter(({ isLagging }) => isLagging)
  if (lagging.some(({ oldestAgeMs }) => (oldestAgeMs ?? 0) > RED_AT * lagSloMs)) return 'red'
  return lagging.length > 0 ? 'amber' : 'green'
}
