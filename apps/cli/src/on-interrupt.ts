/** Ctrl-C ends what this command follows, not what the server does: the first aborts the signal after a word to the person, the second ends the program. */
export function onInterrupt(say: () => void): { readonly signal: AbortSignal } {
  const controller = new AbortController()
  process.once('SIGINT', () => {
    process.once('SIGINT', () => process.exit(130))
    say()
    controller.abort()
  })
  return { signal: controller.signal }
}
