import { builtinModules } from 'node:module'

const LONGEST = 64

/** Words that a rule takes for itself, with what it does with them. */
const TAKEN: Readonly<Record<string, readonly string[]>> = {
  'no file may be called so on Windows': [
    ...['con', 'prn', 'aux', 'nul'],
    ...['com', 'lpt'].flatMap((port) => Array.from({ length: 10 }, (_, number) => `${port}${number}`)),
  ],
  'npm keeps it for Node': builtinModules,
  'the project depends on a package of that name': ['zod', 'typescript', 'soma'],
  'it is a word of the Python language': [
    ...['and', 'as', 'assert', 'async', 'await', 'break', 'class', 'continue', 'def', 'del', 'elif', 'else', 'except'],
    ...['finally', 'for', 'from', 'global', 'if', 'import', 'in', 'is', 'lambda', 'nonlocal', 'not', 'or', 'pass'],
    ...['raise', 'return', 'try', 'while', 'with', 'yield'],
  ],
  'events of the platform begin with it': [
    ...[
      'agent',
      'auth',
      'change',
      'consumer',
      'dead-letter',
      'delivery',
      'event',
      'gate',
      'key',
      'memory',
      'plan',
      'principal',
    ],
    ...['replay', 'role', 'role-binding', 'schema', 'signing-key', 'subscription', 'task', 'tenant', 'token', 'topic'],
  ],
}

/** Why a name cannot be a folder, an npm package, a Python package and an agent at once: every reason. */
export function faultsOfName(name: string): string[] {
  const shape = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(name)
    ? []
    : [`"${name}" must be words of a–z and 0–9, joined by single hyphens, beginning with a letter: my-agent`]
  const length = name.length <= LONGEST ? [] : [`"${name}" has ${name.length} characters: take at most ${LONGEST}`]
  const taken = Object.entries(TAKEN).flatMap(([why, words]) =>
    words.includes(name) ? [`"${name}" is taken: ${why}. Take two words, such as my-${name}`] : [],
  )
  return [...shape, ...length, ...taken]
}
