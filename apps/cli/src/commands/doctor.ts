import { EXIT } from '../failure.ts'
import type { View } from '../output/view.ts'
import type { Handling } from '../session.ts'
import { dataDirectory } from '../connection.ts'
import { checkDataDirectory } from '../doctor/data-directory.ts'
import type { Finding } from '../doctor/finding.ts'
import { checkNode } from '../doctor/node-version.ts'
import { checkPort } from '../doctor/port.ts'
import { checkServer } from '../doctor/server.ts'

interface DoctorFlags {
  readonly data?: string
  readonly port?: number
}

const DEFAULT_PORT = 4000

const view: View<{ findings: readonly Finding[] }, Finding> = {
  rows: ({ findings }) => findings,
  columns: [
    { title: 'check', of: ({ check }) => check },
    { title: 'state', of: ({ state }) => state, kind: 'status' },
    { title: 'found', of: ({ found }) => found },
    { title: 'remedy', of: ({ remedy }) => remedy },
  ],
  ids: ({ findings }) => findings.filter(({ state }) => state !== 'ok').map(({ check }) => check),
}

/** Looks at what makes a server fail on this machine. Writes nothing. */
export async function runDoctor({ session, flags }: Handling<DoctorFlags>): Promise<number> {
  const directory = flags.data ?? dataDirectory()
  const isNamed = flags.url !== undefined || process.env.SOMA_URL !== undefined
  const findings = [
    checkNode(process.versions.node),
    ...(await checkDataDirectory(directory)),
    await checkPort(flags.port ?? DEFAULT_PORT, directory),
    ...(await checkServer(await session.connect(), { isNamed })),
  ]
  await session.printer.result({ findings }, view)
  return findings.some(({ state }) => state === 'fail') ? EXIT.checkFailed : EXIT.done
}
