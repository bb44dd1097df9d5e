import { commitCursors, type HeldPartition } from '../cursors/store.ts'
import { type Group, placeOf } from './group.ts'

/** Finished events that are written at once instead of at the next timer. */
const COMMIT_AT = 500

/** Writes cursors lazily, all partitions of the group in one statement. What is lost in a crash only repeats, and the inbox absorbs it. */
export interface CursorCommits {
  /** An event was finished. */
  finished(): void
  /** Writes what is finished now. */
  commit(): Promise<void>
  stop(): void
}

export function createCursorCommits(group: Group): CursorCommits {
  let finished = 0
  let timer: NodeJS.Timeout | undefined
  let last: Promise<void> = Promise.resolve()

  const commit = (): Promise<void> => {
    const next = last.then(() => commitNow(group))
    last = next.catch(() => undefined)
    return next
  }
  const begin = () => {
    finished = 0
    group.background('cursors could not be written; the next commit tries again', commit())
  }
  return {
    finished: () => {
      finished += 1
      if (finished >= COMMIT_AT) begin()
      else
        timer ??= setTimeout(() => {
          timer = undefined
          begin()
        }, group.settings.commitEveryMs).unref()
    },
    commit,
    stop: () => clearTimeout(timer),
  }
}

async function commitNow(group: Group): Promise<void> {
  const dirty = [...group.runs.values()].filter((run) => run.window.reached().position > run.committed)
  if (dirty.length === 0) return
  const cursors = dirty.map((run): HeldPartition => ({ ...run.held, ...run.window.reached() }))
  const moved = await group.asBus((session) => commitCursors(session, group.name, cursors))
  for (const [index, run] of dirty.entries()) {
    if (moved.has(placeOf(run.held))) run.committed = (cursors[index] as HeldPartition).position
    else group.lose(run)
  }
}
