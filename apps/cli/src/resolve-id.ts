import { toUuid } from '@soma/kernel'
import { UsageError } from './failure.ts'

export interface IdSource {
  /** `plan`, `gate`, `dlv`. */
  readonly prefix: string
  /** What stands at the prompt: `plan`, `dead letter`. */
  readonly noun: string
  /** Ids of one page of what the caller may see. */
  readonly page: (cursor: string | undefined) => Promise<{ ids: readonly string[]; nextCursor: string | null }>
}

/** Ids begin with time, so heads collide; 6 of 32 letters tell a billion apart. */
const SHORTEST_TAIL = 6

/**
 * The full id for what was typed: a full id as it is, else the one id that ends so. All pages are read, so unique means unique.
 * @throws UsageError for a tail that is too short, fits nothing or fits several
 */
export async function resolveId(text: string, source: IdSource): Promise<string> {
  if (toUuid(source.prefix, text) !== undefined) return text
  const tail = text.toLowerCase()
  if (!/^[0-9a-hjkmnp-tv-z]{6,25}$/.test(tail))
    throw new UsageError(
      `"${text}" is no ${source.noun} id: give ${source.prefix}_… or at least the last ${SHORTEST_TAIL} characters of it`,
    )
  const found: string[] = []
  let cursor: string | undefined
  do {
    const page = await source.page(cursor)
    found.push(...page.ids.filter((id) => id.endsWith(tail)))
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
  const [only, ...others] = found
  if (only === undefined) throw new UsageError(`no ${source.noun} that you may see ends in "${text}"`)
  if (others.length > 0)
    throw new UsageError(`"${text}" fits ${found.length} ids:\n${found.map((id) => `  ${id}`).join('\n')}`)
  return only
}
