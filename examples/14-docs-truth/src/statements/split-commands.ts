/** One simple command of a shell text. */
export interface ShellCommand {
  readonly words: readonly ShellWord[]
  /** `NAME=value` before the command, or after `export`. */
  readonly assignments: readonly ShellWord[]
}

export interface ShellWord {
  readonly text: string
  /** Offset in the document. */
  readonly start: number
}

const PROMPT = /^(\s*)(?:\(\S+\)\s*)?(?:[\w.@~:/-]*[$%❯➜]|>)\s+/
const SHELL_LANGUAGES = new Set([
  'sh',
  'bash',
  'shell',
  'zsh',
  'console',
  'shell-session',
  'shellsession',
  'terminal',
  'cmd',
  'powershell',
])
const COMMAND_START =
  /^(?:[A-Z][A-Z0-9_]*=\S+\s+)*(?:sudo\s+)?(npm|npx|pnpm|yarn|bun|bunx|node|deno|make|just|python3?|pip3?|cargo|go|docker|git|cd|curl|export|bash|sh|\.\/\S+)\s/

/** Whether a block of code in this language holds commands; without a language, its first line decides. */
export function isShell(language: string, text: string): boolean {
  if (SHELL_LANGUAGES.has(language)) return true
  const first = text.split('\n').find((line) => line.trim() !== '') ?? ''
  return language === '' && (/^\s*\$\s+\S/.test(first) || COMMAND_START.test(`${first.trim()} `))
}

/** Splits shell text into commands with the offsets of their words. In a block with prompts only the prompted lines are commands. */
export function splitCommands(text: string, offset: number): readonly ShellCommand[] {
  const lines = logicalLines(text)
  const hasPrompts = lines.some((line) => /^\s*[$%❯➜]\s+\S/.test(line.text))
  const commands: ShellCommand[] = []
  for (const line of lines) {
    const prompt = PROMPT.exec(line.text)
    if (hasPrompts && prompt === null) continue
    const skip = prompt?.[0].length ?? 0
    commands.push(...splitLine(line.text.slice(skip), offset + line.start + skip))
  }
  return commands
}

interface LogicalLine {
  readonly text: string
  readonly start: number
}

/** Lines with continuations joined (the break becomes as many spaces, so that offsets hold) and here-documents left out. */
function logicalLines(text: string): readonly LogicalLine[] {
  const joined = text.replace(/\\\r?\n/g, (ending) => ' '.repeat(ending.length))
  const lines: LogicalLine[] = []
  let until: string | undefined
  for (const match of joined.matchAll(/([^\r\n]*)(?:\r\n|\n|\r|$)/g)) {
    const line = match[1] ?? ''
    if (until !== undefined) {
      if (line.trim() === until) until = undefined
      continue
    }
    until = /<<-?\s*['"]?(\w+)['"]?/.exec(line)?.[1]
    if (line.trim() !== '') lines.push({ text: line, start: match.index })
  }
  return lines
}

const TOKEN = /"(?:[^"\\]|\\.)*"|'[^']*'|&&|\|\||[;|&]|#.*$|(?:[^\s"';|&\\]|\\.)+|\\/g

function splitLine(line: string, offset: number): readonly ShellCommand[] {
  const commands: ShellCommand[] = []
  let words: ShellWord[] = []
  let lastEnd = -1
  const finish = (): void => {
    if (words.length > 0) commands.push(toCommand(words))
    words = []
  }
  for (const match of line.matchAll(TOKEN)) {
    const [token] = match
    if (token.startsWith('#') && lastEnd !== match.index) break
    const previous = words.at(-1)
    if (/^(&&|\|\||[;|&])$/.test(token)) finish()
    else if (lastEnd === match.index && previous !== undefined)
      words[words.length - 1] = { ...previous, text: previous.text + unquote(token) }
    else words.push({ text: unquote(token), start: offset + match.index + (/^["']/.test(token) ? 1 : 0) })
    lastEnd = match.index + token.length
  }
  finish()
  return commands
}

const unquote = (token: string): string => (/^(".*"|'.*')$/s.test(token) ? token.slice(1, -1) : token)

const ASSIGNMENT = /^[A-Za-z_][A-Za-z0-9_]*=/

function toCommand(all: readonly ShellWord[]): ShellCommand {
  const skip = all.findIndex(
    (word) => !ASSIGNMENT.test(word.text) && !/^(sudo|time|exec|env|cross-env|dotenv|npx cross-env)$/.test(word.text),
  )
  const words = skip < 0 ? [] : all.slice(skip)
  const assignments = all.slice(0, skip < 0 ? all.length : skip).filter((word) => ASSIGNMENT.test(word.text))
  if (words[0]?.text !== 'export' && words[0]?.text !== 'set') return { words, assignments }
  return { words: [], assignments: [...assignments, ...words.slice(1).filter((word) => ASSIGNMENT.test(word.text))] }
}
