import { type Command, Option } from 'commander'
import { integer, list } from '../parse-flags.ts'
import { lazily } from './lazily.ts'

export function addAccessCommands(program: Command): void {
  const keys = program.command('keys').alias('key').description('API keys of agents, services and people')
  keys
    .command('create')
    .description('make an API key; its secret is printed once, to stdout')
    .requiredOption('--name <name>', 'what the key is for, 1–120 characters')
    .requiredOption('--scopes <capabilities>', 'what it may do, separated by commas: plan:read,gate:decide', list)
    .option('--principal <principal>', 'whose key it is; default: yours')
    .addOption(
      new Option('--expires-in-days <days>', 'its life, 1–3650 days; default: the longest that is allowed').argParser(
        integer(1, 3650),
      ),
    )
    .action(lazily(async () => (await import('../commands/keys.ts')).createKey))
}
