#!/usr/bin/env node
/**
 * The command line under its three names. Runs the build where there is one, as in every published package, else the source of
 * a clone. Both in this one process, so that signals, exit codes and kill -9 are the program's own.
 * A build older than the source is run all the same: build again, or remove `dist`.
 */
import { existsSync } from 'node:fs'
import * as nodeModule from 'node:module'

const built = new URL('../dist/src/main.js', import.meta.url)

if (existsSync(built)) await import(built.href)
else await runSource()

/** As `node --conditions=@soma/source --import tsx`, flags that a running process can no longer be given. */
async function runSource() {
  const { register } = await import('tsx/esm/api')
  register()
  useSourceCondition()
  await import('../src/main.ts')
}

/** Registered after tsx, so it is asked first and tsx resolves with the condition. Node 20 has `register` alone; newer ones warn of it. */
function useSourceCondition() {
  const resolve = (specifier, context, next) =>
    next(specifier, { ...context, conditions: [...context.conditions, '@soma/source'] })
  if (nodeModule.registerHooks !== undefined) nodeModule.registerHooks({ resolve })
  else nodeModule.register(`data:text/javascript,${encodeURIComponent(`export const resolve = ${resolve}`)}`)
}
