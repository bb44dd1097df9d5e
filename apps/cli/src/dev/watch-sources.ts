import { createHash } from 'node:crypto'
import { type FSWatcher, readdirSync, readFileSync, watch } from 'node:fs'
import { extname, join } from 'node:path'

export interface WatchedPlaces {
  /** Watched with all that is in them. */
  readonly folders: readonly string[]
  readonly files: readonly string[]
}

export interface Watching {
  close(): void
}

const CODE = new Set(['.ts', '.mts', '.cts', '.js', '.mjs', '.cjs', '.json'])
const PASSED_OVER = /^(node_modules|dist|\..*)$/
/** An editor writes a file in several steps, and several files at once. */
const QUIET_MS = 50

/**
 * Tells which code files have other content than before, added and removed ones included. What an editor leaves beside them, and a file that is written again as it
 * was, is no change. Each folder has a watcher of its own: it stays right when files are replaced by renames, as editors do.
 */
export function watchSources(places: WatchedPlaces, onChange: (paths: readonly string[]) => void): Watching {
  const watchers = new Map<string, FSWatcher>()
  let timer: NodeJS.Timeout | undefined
  const look = () => {
    const folders = places.folders.flatMap(withFolders)
    const roots = places.files.map((file) => join(file, '..'))
    keepWatchers(watchers, new Set([...folders, ...roots]), () => {
      timer ??= setTimeout(compare, QUIET_MS)
    })
    return fingerprints([...folders.flatMap(codeIn), ...places.files])
  }
  let known = look()
  const compare = () => {
    timer = undefined
    const now = look()
    const changed = [...new Set([...known.keys(), ...now.keys()])].filter((path) => known.get(path) !== now.get(path))
    known = now
    if (changed.length > 0) onChange(changed)
  }
  return {
    close: () => {
      clearTimeout(timer)
      for (const watcher of watchers.values()) watcher.close()
    },
  }
}

/** A folder that is gone is no folder: it may be on its way back. */
function entriesOf(folder: string) {
  try {
    return readdirSync(folder, { withFileTypes: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

const withFolders = (folder: string): string[] => [
  folder,
  ...entriesOf(folder)
    .filter((entry) => entry.isDirectory() && !PASSED_OVER.test(entry.name))
    .flatMap(({ name }) => withFolders(join(folder, name))),
]

const codeIn = (folder: string): string[] =>
  entriesOf(folder)
    .filter((entry) => entry.isFile() && CODE.has(extname(entry.name)))
    .map(({ name }) => join(folder, name))

function keepWatchers(watchers: Map<string, FSWatcher>, folders: ReadonlySet<string>, onEvent: () => void): void {
  for (const [folder, watcher] of watchers) {
    if (folders.has(folder)) continue
    watcher.close()
    watchers.delete(folder)
  }
  for (const folder of folders) {
    if (watchers.has(folder)) continue
    // Its end is seen by the watcher of the folder around it.
    watchers.set(folder, watch(folder, onEvent).on('error', onEvent))
  }
}

function fingerprints(paths: readonly string[]): Map<string, string> {
  const found = new Map<string, string>()
  for (const path of paths) {
    try {
      found.set(path, createHash('sha256').update(readFileSync(path)).digest('hex'))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }
  return found
}
