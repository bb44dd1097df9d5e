import type { Configuration } from '@soma/runtime'

/** Which addresses of users the server may call. @throws Error when a production mode would call them unprotected */
export function outgoingRules(configuration: Configuration): {
  allowedRanges: readonly string[]
  allowsInsecure: boolean
} {
  const { pushAllowedRanges, pushAllowInsecure } = configuration.of('events') as {
    pushAllowedRanges: readonly string[]
    pushAllowInsecure: boolean
  }
  if (pushAllowInsecure && configuration.mode.startsWith('production'))
    throw new Error(
      `mode ${configuration.mode} refuses events.pushAllowInsecure: name what may be called in events.pushAllowedRanges, over https`,
    )
  return { allowedRanges: pushAllowedRanges, allowsInsecure: pushAllowInsecure }
}
