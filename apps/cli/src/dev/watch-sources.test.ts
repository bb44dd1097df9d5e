import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Watching, watchSources } from './watch-sources.ts'

let folder: string
let watching: Watching
let heard: (paths: readonly string[]) => void = () => undefined

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'soma-watch-'))
  mkdirSync(join(folder, 'src'))
  mkdirSync(join(folder, 'src/node_modules'))
  write('src/agent.ts', '1')
  write('package.json', '{}')
  const places = { folders: [join(folder, 'src')], files: [join(folder, 'package.json')] }
  watching = watchSources(places, (paths) => heard(paths))
})
afterEach(() => {
  watching.close()
  rmSync(folder, { recursive: true })
})

const write = (path: string, text: string) => writeFileSync(join(folder, path), text)

/** What is told after something was done. */
const after = (work: () => void): Promise<string[]> =>
  new Promise((resolve) => {
    heard = (paths) => resolve(paths.map((path) => path.slice(folder.length + 1)))
    work()
  })

it('tells a file that was written, replaced, added to a new folder and removed, again and again', async () => {
  for (const text of ['2', '3', '4']) {
    expect(await after(() => write('src/agent.ts', text))).toEqual(['src/agent.ts'])
    const replace = () => {
      write('agent.tmp', `${text}, replaced`)
      renameSync(join(folder, 'agent.tmp'), join(folder, 'src/agent.ts'))
    }
    expect(await after(replace)).toEqual(['src/agent.ts'])
  }
  const add = () => {
    mkdirSync(join(folder, 'src/tools'))
    write('src/tools/one.ts', '1')
  }
  expect(await after(add)).toEqual(['src/tools/one.ts'])
  expect(await after(() => write('src/tools/one.ts', '2'))).toEqual(['src/tools/one.ts'])
  expect(await after(() => rmSync(join(folder, 'src/tools'), { recursive: true }))).toEqual(['src/tools/one.ts'])
  expect(await after(() => write('package.json', '{"type":"module"}'))).toEqual(['package.json'])
})

it('tells nothing of a file that is as it was, of what is no code, and of folders that are not the project’s', async () => {
  const told = after(() => {
    write('src/agent.ts', '1')
    write('src/.agent.ts.swp', '2')
    write('src/notes.md', '2')
    write('src/node_modules/a.js', '2')
    write('other.json', '2')
  })
  write('src/last.ts', '1')
  expect(await told).toEqual(['src/last.ts'])
})
