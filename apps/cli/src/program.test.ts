import type { Command, Option } from 'commander'
import { expect, it } from 'vitest'
import { createProgram } from './program.ts'
import { programName } from './program-name.ts'
import { openSession } from './session.ts'

const commandsOf = (command: Command): Command[] => [command, ...command.commands.flatMap(commandsOf)]
const all = commandsOf(createProgram('soma'))

/** What a mistyped line says. */
async function complaintOf(words: readonly string[]): Promise<string> {
  let text = ''
  const program = createProgram('soorma')
  for (const command of commandsOf(program)) command.configureOutput({ writeErr: (line) => void (text += line) })
  await program.parseAsync(words, { from: 'user' }).catch((error: Error) => error)
  return text
}

it('suggests the nearest command and flag, at every depth, under the name that was typed', async () => {
  expect(await complaintOf(['plns'])).toMatch(/unknown command 'plns'\n\(Did you mean plans\?\)\n\(`soorma --help`/)
  expect(await complaintOf(['plans', 'wach'])).toContain('(Did you mean watch?)')
  expect(await complaintOf(['gates', 'approve', '--reson', 'x'])).toContain('(Did you mean --reason?)')
  expect(await complaintOf(['--jsn'])).toContain('(Did you mean --json?)')
})

it('takes nouns in singular and plural', () => {
  const groups = all.filter((command) => command.commands.length > 0 && command.parent?.parent === null)
  const plural = groups.filter((command) => command.name().endsWith('s'))
  expect(plural.length).toBeGreaterThan(4)
  for (const group of plural)
    expect(group.aliases()).toContain(group.name().replace(/ies$|s$/, (end) => (end === 'ies' ? 'y' : '')))
})

it('describes every command, argument and flag, numbers with their bounds and default', () => {
  const options: readonly Option[] = all.flatMap((command) => command.options)
  for (const command of all) expect(command.description(), command.name()).not.toBe('')
  for (const argument of all.flatMap((command) => command.registeredArguments))
    expect(argument.description).not.toBe('')
  for (const { description, flags } of options) expect(description, flags).not.toBe('')
  const numbers = options.filter(({ flags }) => /<(?:count|ms|port|days|events)>/.test(flags))
  expect(numbers.length).toBeGreaterThan(6)
  for (const { description, flags } of numbers) {
    expect(description, flags).toMatch(/\d+–\d+/)
    if (!flags.includes('--count')) expect(description, flags).toContain('default')
  }
})

it('takes no secret as a flag', () => {
  // Tokens of a budget are words of a model.
  const flags = all.flatMap((command) => command.options).map(({ long }) => long?.replace('--budget-tokens', ''))
  expect(flags.filter((flag) => /token|secret|password|api-key/.test(flag ?? ''))).toEqual([])
})

it('knows its names, with or without the extension that Windows adds', () => {
  expect(programName('/usr/bin/soorma')).toBe('soorma')
  expect(programName('/x/somagent.cmd')).toBe('somagent')
  expect(programName('/x/dist/main.js')).toBe('soma')
  expect(programName(undefined)).toBe('soma')
})

it('asks nothing without a terminal: a missing answer names its flag', async () => {
  const session = openSession({})
  await expect(session.confirm('Deliver 3 again?')).rejects.toThrow('--yes')
  await expect(session.ask('Why?', '--reason')).rejects.toThrow('--reason is missing')
  await expect(openSession({ yes: true }).confirm('Deliver 3 again?')).resolves.toBe(true)
  await expect(openSession({ yes: true }).ask('Why?', '--reason')).rejects.toThrow('--reason is missing')
})
