import { createHash } from 'node:crypto'
import {
  CLIENT_ENVIRONMENT,
  type Configuration,
  contractsOf,
  loadConfiguration,
  nearest,
  serverContract,
  somaPlatform,
} from '@soma/server'
import { UsageError } from '../failure.ts'
import { fieldsView, pageView } from '../output/view.ts'
import { readServerSettings } from '../project-file.ts'
import type { Handling } from '../session.ts'

interface ShownSetting {
  readonly key: string
  /** Masked where it is secret and set. */
  readonly value: unknown
  readonly source: string
  readonly environmentName: string
  readonly summary: string
  readonly unit?: string
}

const MASK = '********'

const asText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

const listView = pageView<ShownSetting>(
  [
    { title: 'setting', of: ({ key }) => key, kind: 'id' },
    { title: 'value', of: ({ value }) => asText(value), kind: 'text' },
    { title: 'source', of: ({ source }) => source },
    { title: 'environment', of: ({ environmentName }) => environmentName, kind: 'id' },
    { title: 'what it does', of: ({ summary }) => summary, kind: 'text' },
  ],
  ({ key }) => key,
)

const settingView = fieldsView<ShownSetting>(
  ({ key, value, source, environmentName, summary, unit }) => [
    { name: 'setting', value: key, kind: 'id' },
    { name: 'what', value: summary },
    { name: 'value', value: asText(value) },
    { name: 'unit', value: unit },
    { name: 'source', value: source },
    { name: 'environment', value: environmentName, kind: 'id' },
    { name: 'soma.yaml', value: `server: { ${key.split('.')[0]}: { ${key.split('.')[1]}: … } }` },
  ],
  ({ key }) => [key],
)

/** Every setting as a server started here and now would have it. Needs no server. */
export async function showConfig({ session, flags }: Handling<{ checksum?: boolean }>): Promise<void> {
  const configuration = await configurationHere()
  const items = shownSettings(configuration)
  if (flags.checksum !== true) return session.printer.result({ mode: configuration.mode, items }, listView)
  const checksum = `sha256:${checksumOf(configuration.mode, items)}`
  const view = fieldsView<{ checksum: string }>(
    () => [{ name: 'checksum', value: checksum }],
    () => [checksum],
  )
  await session.printer.result({ checksum }, view)
}

export async function explainSetting({ session, args }: Handling<object>): Promise<void> {
  const key = args[0] as string
  const items = shownSettings(await configurationHere())
  const setting = items.find((item) => item.key === key || item.environmentName === key)
  if (setting === undefined) {
    const near = nearest(
      key,
      items.map((item) => item.key),
    )
    throw new UsageError(
      `there is no setting "${key}"${near.length === 0 ? '' : `: did you mean ${near.join(' or ')}?`}`,
    )
  }
  await session.printer.result(setting, settingView)
}

async function configurationHere(): Promise<Configuration> {
  return loadConfiguration([serverContract, ...contractsOf(somaPlatform)], {
    environment: process.env,
    file: await readServerSettings(),
    otherEnvironmentNames: CLIENT_ENVIRONMENT,
  })
}

function shownSettings({ values }: Configuration): ShownSetting[] {
  return [...values.values()].map(({ key, value, source, environmentName, definition }) => ({
    key,
    value: definition.sensitive === true && value !== '' ? MASK : value,
    source,
    environmentName,
    summary: definition.summary,
    ...(definition.unit === undefined ? {} : { unit: definition.unit }),
  }))
}

/** Over keys and values alone: where a value came from and how it is documented make no difference. Of secrets only whether they are set counts. */
function checksumOf(mode: string, items: readonly ShownSetting[]): string {
  const lines = items.map(({ key, value }) => JSON.stringify([key, value])).sort()
  return createHash('sha256')
    .update([mode, ...lines].join('\n'))
    .digest('hex')
}
