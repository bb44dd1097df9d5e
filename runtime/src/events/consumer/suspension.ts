/**
 * Tells a dependency that is down from an event that is poison. Failures of the retry class over several keys in a row suspend the group: nothing runs but one
 * try at a time, and no attempts are counted. The first try that ends otherwise ends the suspension.
 */
export interface Suspension {
  isSuspended(): boolean
  /** A failure with `unavailable`, `timeout` or `rate-limited`. Answers whether the group is suspended now, so the attempt does not count. */
  dependencyFailed(keyId: string): boolean
  /** Any other end of a handler. */
  ended(): void
}

export function createSuspension(afterKeys: number, onChange: (suspended: boolean) => void): Suspension {
  const failing = new Set<string>()
  let suspended = false
  return {
    isSuspended: () => suspended,
    dependencyFailed: (keyId) => {
      failing.add(keyId)
      if (!suspended && failing.size >= afterKeys) {
        suspended = true
        onChange(true)
      }
      return suspended
    },
    ended: () => {
      failing.clear()
      if (!suspended) return
      suspended = false
      onChange(false)
    },
  }
}
