import { randomUUID } from 'node:crypto'
import { lstatSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { sha256 } from '../bundle/bundle-format.ts'
import { refusal } from '../refusal.ts'

export interface Claimant {
  /** Name → content of what is to stand there. */
  readonly files: Readonly<Record<string, string>>
  /** Who writes; the same in every repeat after a crash. */
  readonly owner: string
}

/** While a report is written its directory holds a folder of this name, and in it a file that says who writes what. */
const CLAIM = '.soma-claim'
const TEMPORARY = /^\.soma-[0-9a-f-]+\.tmp$/

export const temporaryIn = (place: string): string => join(place, `.soma-${randomUUID()}.tmp`)

/**
 * The first directory of the row `soma-report`, `soma-report-2` … that is the claimant's: it holds only these files with these
 * bytes, perhaps not all yet, and nobody else is writing there. Two processes that claim at the same instant get different ones.
 */
export function claimDirectory(root: string, claimant: Claimant): string {
  for (let number = 1; ; number += 1) {
    const dir = number === 1 ? 'soma-report' : `soma-report-${number}`
    const place = join(root, dir)
    makeDirectory(place)
    const stats = lstatSync(place)
    if (stats.isSymbolicLink()) throw refusal('report-place-unsafe', `"${dir}" in ${root} is a link.`)
    if (stats.isDirectory() && isOurs(place, claimant)) return dir
  }
}

function makeDirectory(place: string): void {
  try {
    mkdirSync(place)
  } catch (error) {
    if (!isCode(error, 'EEXIST')) throw error
  }
}

/** Ends the claim on a directory whose files are complete, and removes what crashes left in it. */
export function releaseDirectory(place: string): void {
  for (const name of readdirSync(place)) {
    if (name === CLAIM || TEMPORARY.test(name)) rmSync(join(place, name), { recursive: true, force: true })
  }
}

function isOurs(place: string, claimant: Claimant): boolean {
  if (holdsOther(place, claimant)) return false
  const isComplete = Object.entries(claimant.files).every(([name, text]) => contentOf(join(place, name)) === text)
  if (isComplete) return true
  if (!claim(place, claimant)) return false
  // Another one may have written all of its files and released them between the look and the claim.
  if (!holdsOther(place, claimant)) return true
  rmSync(join(place, CLAIM), { recursive: true, force: true })
  return false
}

const holdsOther = (place: string, { files }: Claimant): boolean =>
  readdirSync(place).some(
    (name) =>
      name !== CLAIM &&
      !TEMPORARY.test(name) &&
      !(Object.hasOwn(files, name) && contentOf(join(place, name)) === files[name]),
  )

/** A rename onto a folder that holds something fails on every file system: one claimant wins, and its mark is whole from the beginning. */
function claim(place: string, { files, owner }: Claimant): boolean {
  const names = Object.keys(files).toSorted()
  const mark = sha256(JSON.stringify([owner, names.map((name) => [name, files[name]])]))
  for (;;) {
    const temporary = temporaryIn(place)
    mkdirSync(temporary)
    try {
      writeFileSync(join(temporary, mark), '')
      renameSync(temporary, join(place, CLAIM))
      return true
    } catch (error) {
      rmSync(temporary, { recursive: true, force: true })
      const marks = marksIn(place)
      if (marks !== undefined && marks.length > 0) return marks.includes(mark)
      // The other one is done: it releases its claim, whose mark goes first, or swept our temporary folder away with its own.
      if (!isCode(error, 'ENOENT', 'ENOTEMPTY', 'EEXIST')) throw error
    }
  }
}

/** Whose claim lies there; undefined when none does. */
function marksIn(place: string): readonly string[] | undefined {
  try {
    return readdirSync(join(place, CLAIM))
  } catch (error) {
    if (isCode(error, 'ENOENT')) return undefined
    throw error
  }
}

/** Whether a call of the file system failed with one of these codes. */
export const isCode = (error: unknown, ...codes: readonly string[]): boolean =>
  codes.includes((error as NodeJS.ErrnoException).code ?? '')

/** The text of a regular file; undefined when there is none. A link is never read through. */
export function contentOf(file: string): string | undefined {
  const stats = lstatSync(file, { throwIfNoEntry: false })
  return stats?.isFile() ? readFileSync(file, 'utf8') : undefined
}
