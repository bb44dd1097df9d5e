import { structuredPatch } from 'diff'
import { type Bundle, byCodeUnit } from '../bundle/bundle.ts'
import type { Fix } from '../checkers/verdict.ts'

/** A unified diff of all fixes that `git apply` takes in the folder; empty when there is none. */
export function createPatch(bundle: Bundle, fixes: readonly Fix[]): string {
  const files = [...new Set(fixes.map((fix) => fix.file))].filter(isPlainPath).toSorted(byCodeUnit)
  return files.map((file) => patchOf(bundle, file, fixes)).join('')
}

/** Whether a patch can name the file without quoting; a fix in any other file stays a suggestion. */
export const isPlainPath = (file: string): boolean =>
  /^[\x20-\x21\x23-\x5b\x5d-\x7e\u00a0-\uffff]+$/.test(file) && !file.startsWith(' ') && !file.endsWith(' ')

function patchOf(bundle: Bundle, file: string, fixes: readonly Fix[]): string {
  const before = bundle.read(file) ?? ''
  const after = applyFixes(
    before,
    fixes.filter((fix) => fix.file === file),
  )
  if (after === before) return ''
  const { hunks } = structuredPatch(file, file, before, after, undefined, undefined, { context: 3 })
  // A tab ends a name with spaces, as git itself writes it.
  const end = file.includes(' ') ? '\t' : ''
  const head = `--- a/${file}${end}\n+++ b/${file}${end}\n`
  return (
    head +
    hunks
      .map(
        (hunk) =>
          `@@ -${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines} @@\n${hunk.lines.join('\n')}\n`,
      )
      .join('')
  )
}

/** The text with every fix made. Of two that overlap only the first is. */
export function applyFixes(text: string, fixes: readonly Fix[]): string {
  let result = ''
  let done = 0
  for (const { start, end, replacement } of fixes.toSorted(
    (left, right) => left.start - right.start || left.end - right.end,
  )) {
    if (start < done) continue
    result += text.slice(done, start) + replacement
    done = end
  }
  return result + text.slice(done)
}
