import { fieldsView } from '../output/view.ts'
import type { Handling, Session } from '../session.ts'
import { VERSION } from '../version.ts'

interface Versions {
  readonly soma: string
  readonly node: string
  /** Null when no server answers. */
  readonly server: string | null
}

const view = fieldsView<Versions>(
  ({ soma, node, server }) => [
    { name: 'soma', value: soma },
    { name: 'node', value: node },
    { name: 'server', value: server ?? 'none answers' },
  ],
  ({ soma }) => [soma],
)

export async function showVersion({ session }: Handling<object>): Promise<void> {
  const server = await serverVersion(session)
  await session.printer.result({ soma: VERSION, node: process.versions.node, server }, view)
}

async function serverVersion(session: Session): Promise<string | null> {
  const { get } = await session.connect()
  try {
    const { info } = (await (await get('/openapi.json')).json()) as { info: { version: string } }
    return info.version
  } catch {
    return null
  }
}
