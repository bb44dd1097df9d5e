import { readFileSync } from 'node:fs'
import { join, posix } from 'node:path'
import type { Finding } from '../finding.ts'
import { importsOf } from '../imports.ts'
import { isTypeScript, listFiles } from '../source-files.ts'

/** No file imports itself by way of others, types included: what a file stands on can be read without it. One finding a circle, at its first file. */
export function checkImportCircles(root: string): Finding[] {
  const files = new Set(listFiles(root).filter(isTypeScript))
  const imports = new Map(
    [...files].map((path) => {
      const targets = importsOf(readFileSync(join(root, path), 'utf8'))
        .filter((specifier) => specifier.startsWith('.'))
        .map((specifier) => posix.join(posix.dirname(path), specifier))
      return [path, targets.filter((target) => files.has(target))]
    }),
  )
  return circlesOf(imports).map((circle) => {
    const [path] = circle as [string, ...string[]]
    const message = `imports itself: ${[...circle, path].map((each) => posix.basename(each)).join(' → ')}`
    return { path, rule: 'import-circle', message, remedy: 'move what both need into a file below them' }
  })
}

/** A circle a back edge of the depth-first walk: none is found exactly where there is none. */
function circlesOf(imports: ReadonlyMap<string, readonly string[]>): string[][] {
  const circles: string[][] = []
  const left = new Set<string>()
  const path: string[] = []
  const visit = (file: string): void => {
    const at = path.indexOf(file)
    if (at >= 0) return void circles.push(path.slice(at))
    if (left.has(file)) return
    path.push(file)
    for (const target of imports.get(file) ?? []) visit(target)
    path.pop()
    left.add(file)
  }
  for (const file of imports.keys()) visit(file)
  return circles
}
