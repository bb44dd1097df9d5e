import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { UsageError } from '../failure.ts'

const run = promisify(execFile)
const MAXIMUM_BYTES = 64 * 1024 * 1024

async function git(words: readonly string[]): Promise<string> {
  try {
    const { stdout } = await run('git', words, { maxBuffer: MAXIMUM_BYTES })
    return stdout
  } catch (error) {
    const { stderr, code } = error as { stderr?: string; code?: unknown }
    const why = code === 'ENOENT' ? 'git is not installed' : (stderr ?? '').trim().split('\n')[0]
    throw new UsageError(`git ${words.join(' ')}: ${why}`, { cause: error })
  }
}

/** A file of a commit, branch or tag; the path is relative to this folder. */
export const readGit = (reference: string, path: string): Promise<string> =>
  git(['show', '--end-of-options', `${reference}:./${path.replace(/^\.\//, '')}`])

/** The JSON files of a folder of a commit; none where the folder was not there yet. */
export async function listGit(reference: string, folder: string): Promise<string[]> {
  const inside = `${folder.replace(/^\.\//, '').replace(/\/+$/, '')}/`
  const text = await git(['ls-tree', '-z', '--name-only', '--end-of-options', reference, inside])
  return text.split('\0').filter((name) => name.endsWith('.json'))
}
