import { setTimeout as pause } from 'node:timers/promises'
import { defineWorker, type EventData } from '@soma/sdk'
import {
  type Answer,
  composeReport,
  extractStatements,
  type ProseFindings,
  type Rejection,
  type Report,
  reviewReport,
  reviseReport,
  type Verdict,
  writeFilesOnce,
  writeReport,
} from '../engine.ts'
import { type FileEntry, filesRequested, reportRequested, reviewRequested } from './events.ts'
import type { DocsStore } from './store.ts'

/** Makes `report.md`, `report.json` and `fixes.patch`, and makes them again without what the reviewer rejected. */
export function createWriter(store: DocsStore) {
  const worker = defineWorker({
    name: 'writer',
    description: 'Writes report and patch.',
    capabilities: ['write-report'],
  })
  worker.onTask(reportRequested, async (task) => {
    if (task.data.paceMs > 0) await pause(task.data.paceMs)
    const report = draft(store, task.data)
    const files: FileEntry[] = Object.entries(writeReport(store.bundle(task.data.bundle), report)).map(
      ([name, text]) => ({ name, sha256: store.put(text), bytes: Buffer.byteLength(text) }),
    )
    task.complete({
      report: store.putJson(report),
      files,
      false: report.counts.false,
      statements: report.counts.statements,
    })
  })
  return worker
}

function draft(store: DocsStore, data: EventData<typeof reportRequested>): Report {
  if (data.revision !== null)
    return reviseReport(
      store.getJson<Report>(data.revision.report),
      store.getJson<Rejection[]>(data.revision.rejections),
    )
  const bundle = store.bundle(data.bundle)
  const prose = data.prose === null ? undefined : store.getJson<ProseFindings>(data.prose)
  return composeReport({
    bundle,
    extraction: extractStatements(bundle, { maxStatements: data.maxStatements }),
    verdicts: data.verdicts.flatMap((digest) => store.getJson<Verdict[]>(digest)),
    answer: store.getJson<Answer>(data.answer),
    model: data.model,
    ...(prose === undefined ? {} : { suspects: prose.suspects, proseLeftOut: prose.leftOut }),
  })
}

/** Rejects what its evidence does not prove, by looking every citation up again. */
export function createReviewer(store: DocsStore) {
  const worker = defineWorker({
    name: 'reviewer',
    description: 'Rejects what its evidence does not prove.',
    capabilities: ['review-report'],
  })
  worker.onTask(reviewRequested, async (task) => {
    if (task.data.paceMs > 0) await pause(task.data.paceMs)
    const { rejected } = reviewReport(store.bundle(task.data.bundle), store.getJson<Report>(task.data.report))
    task.complete({ rejected: rejected.length, rejections: store.putJson(rejected) })
  })
  return worker
}

/** Writes approved files into the folder. It looks first, so writing again changes nothing. The sandboxed `file.write` of the tools module takes its place later. */
export function createPublisher(store: DocsStore) {
  const worker = defineWorker({
    name: 'publisher',
    description: 'Writes the approved files once.',
    capabilities: [{ name: 'write-files', sideEffects: 'reversible' }],
  })
  worker.onTask(filesRequested, async (task) => {
    const { folder, files, paceMs } = task.data
    if (paceMs > 0) await pause(paceMs)
    const { dir, written, untouched } = writeFilesOnce(
      folder,
      Object.fromEntries(files.map(({ name, sha256 }) => [name, store.get(sha256)])),
      { owner: task.taskId },
    )
    // Both sides of the effect are slowed, to see what a kill does before it and after it.
    if (paceMs > 0) await pause(paceMs)
    task.complete({ directory: dir, written: [...written], untouched: [...untouched] })
  })
  return worker
}
