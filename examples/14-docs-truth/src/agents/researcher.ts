import { setTimeout as pause } from 'node:timers/promises'
import { defineWorker } from '@soma/sdk'
import { answerQuestion, extractStatements, type ProseChecker } from '../engine.ts'
import { proseCheckRequested, questionAsked } from './events.ts'
import type { DocsStore } from './store.ts'

/** Answers the question from the documents of the bundle, in their own words. */
export function createResearcher(store: DocsStore) {
  const worker = defineWorker({
    name: 'researcher',
    description: 'Answers a question with quoted sentences and their place.',
    capabilities: ['answer-questions'],
  })
  worker.onTask(questionAsked, async (task) => {
    if (task.data.paceMs > 0) await pause(task.data.paceMs)
    const answer = answerQuestion(store.bundle(task.data.bundle), task.data.question)
    task.complete({ answer: store.putJson(answer), sentences: answer.sentences.length })
  })
  return worker
}

/** Reads prose with a model. Only there when a model is configured; it can doubt, never decide. */
export function createProseReader(store: DocsStore, check: ProseChecker) {
  const worker = defineWorker({
    name: 'prose-checker',
    description: 'Doubts sentences that no pattern covers, with quotes.',
    capabilities: ['check-prose'],
  })
  worker.onTask(proseCheckRequested, async (task) => {
    const bundle = store.bundle(task.data.bundle)
    const findings = await check(
      bundle,
      extractStatements(bundle, { maxStatements: task.data.maxStatements }).statements,
    )
    task.complete({ findings: store.putJson(findings), suspects: findings.suspects.length })
  })
  return worker
}
