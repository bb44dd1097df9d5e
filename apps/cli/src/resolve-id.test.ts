import { describe, expect, it } from 'vitest'
import { EXIT, exitCodeOf } from './failure.ts'
import { resolveId } from './resolve-id.ts'

const FIRST = 'plan_01h455vb4pex5vsknk084sn02q'
const SECOND = 'plan_01h455vb4pex5vsknk094sn02q'
const OTHER = 'plan_01h455vb4pex5vsknk0zzzzzzz'

/** A page for each id, so that uniqueness has to be looked for on all pages. */
const source = {
  prefix: 'plan',
  noun: 'plan',
  page: async (cursor: string | undefined) => {
    const at = Number(cursor ?? 0)
    const ids = [FIRST, SECOND, OTHER]
    return { ids: [ids[at] as string], nextCursor: at === ids.length - 1 ? null : String(at + 1) }
  },
}
const failureOf = (text: string): Promise<Error> =>
  resolveId(text, source).then(
    (id) => expect.unreachable(`found ${id}`),
    (error: Error) => error,
  )

describe('CLI-R6 ids by a unique tail', () => {
  it('takes a full id as it is, without a look', async () => {
    const blind = { ...source, page: () => expect.unreachable('looked') as never }
    expect(await resolveId(FIRST, blind)).toBe(FIRST)
  })

  it('finds the one id that ends so, in either case', async () => {
    expect(await resolveId('zzzzzz', source)).toBe(OTHER)
    expect(await resolveId('K084SN02Q', source)).toBe(FIRST)
  })

  it('lists the candidates of an ambiguous tail and exits 2', async () => {
    const error = await failureOf('4sn02q')
    expect(error.message).toBe(`"4sn02q" fits 2 ids:\n  ${FIRST}\n  ${SECOND}`)
    expect(exitCodeOf(error)).toBe(EXIT.usage)
  })

  it('refuses fewer than 6 characters, foreign letters and tails of nothing', async () => {
    expect((await failureOf('sn02q')).message).toContain('at least the last 6 characters')
    expect((await failureOf('gate_1')).message).toContain('is no plan id')
    expect((await failureOf('000000')).message).toBe('no plan that you may see ends in "000000"')
  })
})
