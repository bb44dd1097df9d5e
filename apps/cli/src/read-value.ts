import { readFile } from 'node:fs/promises'
import { UsageError } from './failure.ts'

/** A value from a flag: JSON or YAML itself, `@file`, or `-` for stdin. @throws UsageError naming file, line and column of what cannot be read */
export async function readValue(text: string): Promise<unknown> {
  const source = text === '-' ? 'stdin' : text.startsWith('@') ? text.slice(1) : 'the value'
  return parseValue(await readText(text), source)
}

/** A text from an argument: itself, `@file`, or `-` for stdin. @throws UsageError for a file that cannot be read */
export async function readText(text: string): Promise<string> {
  if (text === '-') return readStdin()
  if (!text.startsWith('@')) return text
  return readFile(text.slice(1), 'utf8').catch((error: NodeJS.ErrnoException) => {
    throw new UsageError(`${text.slice(1)} cannot be read (${error.code})`, { cause: error })
  })
}

async function readStdin(): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

/** YAML is read too, so JSON with a mistake is reported by the YAML reader, which knows line and column. */
export async function parseValue(content: string, source: string): Promise<unknown> {
  try {
    return JSON.parse(content)
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error
  }
  const { parse, YAMLParseError } = await import('yaml')
  try {
    return parse(content, { uniqueKeys: true })
  } catch (error) {
    if (!(error instanceof YAMLParseError)) throw error
    throw new UsageError(`${source} is neither JSON nor YAML: ${error.message.trimEnd()}`, { cause: error })
  }
}
