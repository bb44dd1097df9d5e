/** `npm run engines`: every package that users of Soma install accepts the oldest Node that Soma supports. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { satisfies } from 'semver'
import { type Finding, reportFindings } from './finding.ts'
import { readJson } from './workspaces.ts'

const OLDEST_NODE = '20.19.0'

interface LockedPackage {
  readonly version?: string
  readonly dev?: boolean
  readonly link?: boolean
  /** Very old packages carry a list here, which npm ignores. */
  readonly engines?: Readonly<Record<string, string>> | readonly string[]
}

/** The locked packages, development ones left out, whose `engines.node` refuses the oldest supported Node. */
export function checkEngines(root: string, version = OLDEST_NODE): Finding[] {
  const { packages } = readJson<{ packages: Readonly<Record<string, LockedPackage>> }>(join(root, 'package-lock.json'))
  return Object.entries(packages).flatMap(([path, locked]) => {
    const range = nodeRange(locked)
    if (locked.dev === true || locked.link === true || range === undefined || satisfies(version, range)) return []
    return [
      {
        path: path === '' ? 'package.json' : path,
        rule: 'engines',
        message: `${locked.version ?? ''} wants Node ${range}, Soma supports ${version}`,
        remedy: 'pin the newest version that accepts it, or use another package',
      },
    ]
  })
}

function nodeRange({ engines }: LockedPackage): string | undefined {
  return engines === undefined || Array.isArray(engines)
    ? undefined
    : (engines as Readonly<Record<string, string>>).node
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  reportFindings(checkEngines(process.cwd()), `every locked package accepts Node ${OLDEST_NODE}`)
}
