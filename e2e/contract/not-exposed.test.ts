import { readdirSync, readFileSync } from 'node:fs'
import { contractsOf, somaPlatform } from '@soma/server'
import { expect, test } from 'vitest'

const ROOT = new URL('../../', import.meta.url)
const SOURCES = new URL('sdk/typescript/src/', ROOT)
/** Those of SDK-R3 that there are. */
const MODULES = ['events', 'registry', 'plans', 'tracker', 'memory']

/** The files of layer 2: what handlers and the runtime of agents call. */
const layerTwo = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts') && !file.startsWith('clients'))
  .map((file) => readFileSync(new URL(file, SOURCES), 'utf8'))

/** Some file names the module and calls the operation. */
const isReached = (module: string, operation: string): boolean =>
  layerTwo.some(
    (text) => text.includes(module) && new RegExp(`\\b${operation.replace('.', String.raw`\.`)}\\(`).test(text),
  )

const operations = contractsOf(somaPlatform)
  .filter(({ module }) => MODULES.includes(module))
  .flatMap(({ module, operations: nouns }) =>
    Object.entries(nouns).flatMap(([noun, verbs]) =>
      Object.keys(verbs).map((verb) => ({ module, operation: `${noun}.${verb}`, id: `${module}.${noun}.${verb}` })),
    ),
  )
const rows = [...readFileSync(new URL('sdk/not-exposed.md', ROOT), 'utf8').matchAll(/^\| `([\w.]+)` \| (.+) \|$/gm)]
const listed = rows.map(([, id]) => id as string)

test('SDK-R3 every operation is reached by agents or listed with its reason, and none is both', () => {
  const unreached = operations.filter(({ module, operation }) => !isReached(module, operation)).map(({ id }) => id)
  expect(listed.toSorted()).toEqual(unreached.toSorted())
  expect(rows.filter(([, , reason]) => (reason as string).length < 10)).toEqual([])
})
