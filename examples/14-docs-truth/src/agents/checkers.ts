import { setTimeout as pause } from 'node:timers/promises'
import { defineWorker } from '@soma/sdk'
import { type Checker, extractStatements, planChecks, runChecker, type Verdict } from '../engine.ts'
import { checkRequested } from './events.ts'
import type { DocsStore } from './store.ts'

const DESCRIPTIONS: Readonly<Record<Checker, string>> = {
  path: 'Checks file and folder paths, links and anchors inside the folder.',
  command: 'Checks scripts, targets, binaries and flags against manifests and sources. Executes nothing.',
  config: 'Checks environment variables, ports and setting keys against the code.',
  version: 'Checks versions, engines, licences and package names against manifests.',
}

/** One worker a kind of statement: `path-checker`, `command-checker`, `config-checker`, `version-checker`. */
export function createCheckers(store: DocsStore) {
  return (['path', 'command', 'config', 'version'] as const).map((checker) => {
    const worker = defineWorker({
      name: `${checker}-checker`,
      description: DESCRIPTIONS[checker],
      capabilities: [`check-${checker}s`],
      // Checking is computing in this one process: a second check at the same time would end none earlier.
      concurrency: 1,
    })
    worker.onTask(checkRequested[checker], async (task) => {
      const { bundle: digest, maxStatements, name, paceMs } = task.data
      if (paceMs > 0) await pause(paceMs)
      const bundle = store.bundle(digest)
      const { statements = [] } =
        planChecks(extractStatements(bundle, { maxStatements }).statements).find((check) => check.name === name) ?? {}
      const verdicts = runChecker(checker, bundle, statements)
      task.complete({
        verdicts: store.putJson(verdicts),
        true: count(verdicts, 'true'),
        false: count(verdicts, 'false'),
        unchecked: count(verdicts, 'unchecked'),
      })
    })
    return worker
  })
}

const count = (verdicts: readonly Verdict[], wanted: Verdict['verdict']): number =>
  verdicts.filter(({ verdict }) => verdict === wanted).length
