import type { MachineScope } from './machine-scope.ts'
import { lookUp } from './templates.ts'

/**
 * Conditions on transitions: paths (`results.search.count`), literals, `== != < <= > >=`, `&& || !`, `in`, and parentheses: the part of CEL that needs no
 * functions. What is absent equals null. Nothing else is read, so a condition has no effects and ends.
 */
type Token =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'path' | 'sign'; readonly text: string }
export type Node =
  | { readonly kind: 'literal'; readonly value: unknown }
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'not'; readonly of: Node }
  | { readonly kind: 'binary'; readonly sign: string; readonly left: Node; readonly right: Node }

const TOKEN =
  /\s*(?:(?<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?<number>-?\d+(?:\.\d+)?)|(?<path>[A-Za-z_$][\w$-]*(?:\.[\w$-]+)*)|(?<sign>==|!=|<=|>=|&&|\|\||[<>!()]))/y
/** Binding strength, weakest first. */
const LEVELS: readonly (readonly string[])[] = [['||'], ['&&'], ['==', '!=', '<', '<=', '>', '>=', 'in']]
const LITERALS: Readonly<Record<string, unknown>> = { true: true, false: false, null: null }

/** @throws SyntaxError naming the place. */
export function parseCondition(text: string): Node {
  const tokens = tokenize(text)
  let at = 0
  const isSign = (sign: string) => {
    const token = tokens[at]
    return token !== undefined && token.kind !== 'value' && token.text === sign
  }
  const fail = (): never => {
    throw new SyntaxError(`the condition "${text}" does not hold at its part ${at + 1}`)
  }
  const parseLevel = (level: number): Node => {
    if (level === LEVELS.length) return parseUnary()
    let left = parseLevel(level + 1)
    for (;;) {
      const sign = LEVELS[level]?.find(isSign)
      if (sign === undefined) return left
      at += 1
      left = { kind: 'binary', sign, left, right: parseLevel(level + 1) }
    }
  }
  const parseUnary = (): Node => {
    if (isSign('!')) {
      at += 1
      return { kind: 'not', of: parseUnary() }
    }
    if (isSign('(')) {
      at += 1
      const inner = parseLevel(0)
      if (!isSign(')')) fail()
      at += 1
      return inner
    }
    return parsePrimary()
  }
  const parsePrimary = (): Node => {
    const token = tokens[at++]
    if (token?.kind === 'value') return { kind: 'literal', value: token.value }
    if (token?.kind !== 'path' || token.text === 'in') return fail()
    return token.text in LITERALS
      ? { kind: 'literal', value: LITERALS[token.text] }
      : { kind: 'path', path: token.text }
  }
  const node = parseLevel(0)
  return at === tokens.length ? node : fail()
}

function tokenize(text: string): Token[] {
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  while (text.slice(TOKEN.lastIndex).trim() !== '') {
    const at = TOKEN.lastIndex
    const groups = TOKEN.exec(text)?.groups
    if (groups === undefined) throw new SyntaxError(`the condition "${text}" cannot be read at character ${at + 1}`)
    if (groups.text !== undefined) tokens.push({ kind: 'value', value: unquote(groups.text) })
    else if (groups.number !== undefined) tokens.push({ kind: 'value', value: Number(groups.number) })
    else if (groups.path !== undefined) tokens.push({ kind: 'path', text: groups.path })
    else tokens.push({ kind: 'sign', text: groups.sign as string })
  }
  return tokens
}

const unquote = (quoted: string): string => quoted.slice(1, -1).replaceAll(/\\(.)/g, '$1')

export function evaluateCondition(text: string, scope: MachineScope): boolean {
  return evaluate(parseCondition(text), scope) === true
}

function evaluate(node: Node, scope: MachineScope): unknown {
  switch (node.kind) {
    case 'literal':
      return node.value
    case 'path':
      return lookUp(node.path, scope)
    case 'not':
      return evaluate(node.of, scope) !== true
    case 'binary':
      return combine(node, scope)
  }
}

function combine(node: Node & { kind: 'binary' }, scope: MachineScope): boolean {
  const left = evaluate(node.left, scope)
  if (node.sign === '&&') return left === true && evaluate(node.right, scope) === true
  if (node.sign === '||') return left === true || evaluate(node.right, scope) === true
  const right = evaluate(node.right, scope)
  if (node.sign === '==') return (left ?? null) === (right ?? null)
  if (node.sign === '!=') return (left ?? null) !== (right ?? null)
  if (node.sign === 'in') return Array.isArray(right) && right.includes(left)
  return compare(node.sign, left, right)
}

function compare(sign: string, left: unknown, right: unknown): boolean {
  const comparable =
    (typeof left === 'number' && typeof right === 'number') || (typeof left === 'string' && typeof right === 'string')
  if (!comparable) return false
  if (sign === '<') return left < right
  if (sign === '<=') return left <= right
  return sign === '>' ? left > right : left >= right
}

/** The paths of a condition, and whether its outcome is a truth value. */
export function inspectCondition(node: Node): { readonly paths: readonly string[]; readonly isBoolean: boolean } {
  if (node.kind === 'path') return { paths: [node.path], isBoolean: true }
  if (node.kind === 'literal') return { paths: [], isBoolean: typeof node.value === 'boolean' }
  if (node.kind === 'not') return { paths: inspectCondition(node.of).paths, isBoolean: true }
  return { paths: [...inspectCondition(node.left).paths, ...inspectCondition(node.right).paths], isBoolean: true }
}
