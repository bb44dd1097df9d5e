/** `npm run publint`, after a build: what each package would publish can be imported as its package.json says. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { type Finding, reportFindings } from './finding.ts'
import { readJson, readWorkspaces } from './workspaces.ts'

/** Findings of the packages that are published, warnings included, suggestions not. */
export async function checkPublishable(root: string): Promise<Finding[]> {
  const published = readWorkspaces(root).filter(({ manifest }) => manifest.private !== true)
  const findings = await Promise.all(published.map(({ folder }) => checkPackage(root, folder)))
  return findings.flat()
}

async function checkPackage(root: string, folder: string): Promise<Finding[]> {
  const manifest = readJson<Record<string, unknown>>(join(root, folder, 'package.json'))
  const { messages } = await publint({ pkgDir: join(root, folder), level: 'warning', strict: true })
  return messages.map((message) => ({
    path: `${folder}/package.json`,
    rule: `publint/${message.code.toLowerCase()}`,
    message: formatMessage(message, manifest, { color: false }) ?? message.code,
    remedy: 'run npm run build, or correct exports and files',
  }))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  reportFindings(await checkPublishable(process.cwd()), 'every published package imports as it says')
}
