import { UsageError } from '../failure.ts'
import type { Handler } from '../session.ts'
import type { BackgroundFlags } from './dev-background.ts'

type Choice = 'start' | 'stop' | 'status' | 'logs'
export type DevelopFlags = BackgroundFlags & { readonly [Name in Choice]?: boolean }

/** `soma dev` in this terminal, or in the background. */
export const chooseDevelop: Handler<DevelopFlags> = async (handling) => {
  const { start, stop, status, logs, clean } = handling.flags
  if (clean === true && stop !== true) throw new UsageError('--clean goes with --stop')
  if (![start, stop, status, logs].includes(true)) return (await import('./dev.ts')).develop(handling)
  const background = await import('./dev-background.ts')
  if (start === true) return background.startInBackground(handling)
  if (stop === true) return background.stopInBackground(handling)
  return status === true ? background.showBackground(handling) : background.followLog(handling)
}
