import type { Database, Logger } from '@soma/kernel'

/**
 * Runs `VACUUM (ANALYZE)` every `everyMs`, never two at once: PGlite has no autovacuum, and plans rest on its statistics.
 * A failure is logged and the next turn comes. Answers the function that stops it.
 */
export function startVacuum(database: Database, everyMs: number, log: Logger): () => void {
  let running = false
  const timer = setInterval(() => {
    if (running) return
    running = true
    database
      .maintain('vacuum (analyze)')
      .catch((error: unknown) => log.warn('vacuum failed', { error }))
      .finally(() => {
        running = false
      })
  }, everyMs)
  timer.unref()
  return () => clearInterval(timer)
}
