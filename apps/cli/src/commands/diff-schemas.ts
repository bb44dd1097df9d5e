import { type Catalogue, type CatalogueDifference, compareCatalogues } from '@soma/registry/contract'
import { readCatalogue } from '../catalogue/read-catalogue.ts'
import { readServerMajors } from '../catalogue/server-catalogue.ts'
import { EXIT } from '../failure.ts'
import type { View } from '../output/view.ts'
import type { Handling, Session } from '../session.ts'

interface Diff {
  readonly isBreaking: boolean
  readonly differences: readonly CatalogueDifference[]
}

interface Line {
  readonly difference: CatalogueDifference
  readonly pointer?: string
  readonly why: string
}

const diffView: View<Diff, Line> = {
  rows: ({ differences }) =>
    differences.flatMap((difference) =>
      difference.changes.length === 0
        ? [{ difference, why: difference.from === undefined ? 'new' : 'the version alone' }]
        : difference.changes.map(({ pointer, why }) => ({ difference, pointer, why })),
    ),
  columns: [
    { title: 'breaks', of: ({ difference }) => (difference.isBreaking ? 'yes' : 'no') },
    { title: 'what', of: ({ difference }) => difference.what, kind: 'id' },
    { title: 'from', of: ({ difference }) => difference.from },
    { title: 'to', of: ({ difference }) => difference.to },
    { title: 'level', of: ({ difference }) => difference.level },
    { title: 'needs', of: ({ difference }) => difference.needs },
    { title: 'where', of: ({ pointer }) => pointer, kind: 'id' },
    { title: 'why', of: ({ why }) => why, kind: 'text' },
  ],
  ids: ({ differences }) => differences.map(({ what }) => what),
}

/** Compares two places; answers 9 where something breaks without a major version. */
export async function diffSchemas({ session, args }: Handling<object>): Promise<number> {
  const [before, after] = await Promise.all([readCatalogue(args[0] as string), readCatalogue(args[1] as string)])
  return report(session, before, after)
}

/** Compares a folder of schema files with an earlier state of it, or with what a registry runs. */
export async function checkRegistry({ session, flags, args }: Handling<{ base?: string }>): Promise<number> {
  const folder = args[0] ?? 'schemas/events'
  const base = flags.base ?? 'HEAD'
  const after = await readCatalogue(folder)
  if (!/^https?:\/\//.test(base)) return report(session, await readCatalogue(`${base}:${folder}`), after)
  const names = new Set(after.schemas.map(({ name }) => name))
  const running = await readServerMajors(base)
  return report(session, { ...running, schemas: running.schemas.filter(({ name }) => names.has(name)) }, after)
}

async function report({ printer }: Session, before: Catalogue, after: Catalogue): Promise<number> {
  const differences = compareCatalogues(before, after)
  const breaks = differences.filter(({ isBreaking }) => isBreaking)
  await printer.result({ isBreaking: breaks.length > 0, differences }, diffView)
  for (const { what, to, needs } of breaks)
    printer.note(
      to === undefined
        ? `${what} is gone: keep it, deprecated, until nobody consumes it`
        : `${what} ${to} breaks its readers or writers: call it ${needs}, or take the change back`,
    )
  return breaks.length === 0 ? EXIT.done : EXIT.checkFailed
}
