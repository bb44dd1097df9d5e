const FROM = /^\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/gm
const BARE = /^\s*import\s*['"]([^'"]+)['"]/gm
const DYNAMIC = /\bimport\(\s*['"]([^'"]+)['"]/g

/** The specifiers that a TypeScript file imports or re-exports, static and dynamic, types included, each once. */
export function importsOf(source: string): string[] {
  const found = [FROM, BARE, DYNAMIC].flatMap((pattern) => [...source.matchAll(pattern)].map((match) => match[1] ?? ''))
  return [...new Set(found)]
}

/** `@soma/plans` of `@soma/plans/contract`; `yaml` of `yaml/util`. */
export function packageOf(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}
