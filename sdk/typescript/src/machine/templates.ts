import type { Json } from '@soma/kernel'
import { sdkProblems } from '../sdk-problems.ts'
import type { MachineScope } from './machine-scope.ts'

const TEMPLATE = /\{\{\s*([^{}]+?)\s*\}\}/g
const WHOLE = /^\{\{\s*([^{}]+?)\s*\}\}$/

/** Fills `{{goal.data.x}}`, `{{results.type.y}}` and `{{state.k}}`. A text that is one template becomes the value itself, of whatever type. @throws Problem `template-unresolved` naming the path. */
export function fillTemplates(value: unknown, scope: MachineScope): Json {
  if (typeof value === 'string') return fillText(value, scope)
  if (Array.isArray(value)) return value.map((item) => fillTemplates(item, scope))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, fillTemplates(member, scope)]))
  }
  return value as Json
}

function fillText(text: string, scope: MachineScope): Json {
  const whole = WHOLE.exec(text)
  if (whole !== null) return resolve(whole[1] as string, scope)
  return text.replaceAll(TEMPLATE, (_match, path: string) => {
    const value = resolve(path, scope)
    return typeof value === 'string' ? value : JSON.stringify(value)
  })
}

function resolve(path: string, scope: MachineScope): Json {
  const value = lookUp(path, scope)
  if (value === undefined) throw sdkProblems.templateUnresolved.create(`{{${path}}} found nothing`)
  return value as Json
}

/** The value at a path. Names in `results` are event types and contain dots, so the longest name that exists is taken. */
export function lookUp(path: string, scope: object): unknown {
  let value: unknown = scope
  let rest = path.split('.')
  while (rest.length > 0) {
    if (typeof value !== 'object' || value === null) return undefined
    const taken = longestName(value, rest)
    if (taken === undefined) return undefined
    value = (value as Record<string, unknown>)[rest.slice(0, taken).join('.')]
    rest = rest.slice(taken)
  }
  return value
}

function longestName(value: object, rest: readonly string[]): number | undefined {
  for (let length = rest.length; length > 0; length--) {
    if (Object.hasOwn(value, rest.slice(0, length).join('.'))) return length
  }
  return undefined
}

/** Every path that templates in a value name. */
export function templatePaths(value: unknown): string[] {
  if (typeof value === 'string') return [...value.matchAll(TEMPLATE)].map((match) => match[1] as string)
  if (Array.isArray(value)) return value.flatMap(templatePaths)
  if (typeof value === 'object' && value !== null) return Object.values(value).flatMap(templatePaths)
  return []
}
