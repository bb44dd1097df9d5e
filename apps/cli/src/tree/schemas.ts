import { type Command, Option } from 'commander'
import { lazily } from './lazily.ts'
import { withPage } from './page-options.ts'

const KINDS = ['request', 'reply', 'fact']
const STATUSES = ['active', 'deprecated', 'retired']
const LEVELS = ['none', 'patch', 'minor', 'major']
const VALUE = 'JSON, YAML, @file or - for stdin'
const PLACE =
  'an installation (https://…), a git state (main:schemas/events), a folder of <type>.v<major>.json, or a file with { events, schemas }'

export function addSchemaCommands(program: Command): void {
  const schemas = program.command('schemas').alias('schema').description('what the data of events looks like')
  withPage(
    schemas
      .command('list')
      .description('list the latest version of each schema')
      .option('--owner <principal>', 'only those of this principal')
      .addOption(new Option('--status <status>', 'only those in this status').choices(STATUSES)),
  ).action(lazily(async () => (await import('../commands/schemas.ts')).listSchemas))
  schemas
    .command('get')
    .alias('show')
    .description('show a schema')
    .argument('<name>', 'the name of the schema')
    .argument('[version]', 'its version; default: the latest')
    .action(lazily(async () => (await import('../commands/schemas.ts')).getSchema))
  schemas
    .command('register')
    .description('register one version of a schema; the same content again changes nothing')
    .argument('<name>', 'the name of the schema, 1–255 characters')
    .argument('<semver>', 'its version, such as 1.2.0')
    .requiredOption('--schema <value>', `the JSON Schema 2020-12, at most 128 KiB: ${VALUE}`)
    .option('--description <text>', 'what it is for, at most 2000 characters')
    .action(lazily(async () => (await import('../commands/schemas.ts')).registerSchema))
  addComparisons(program, schemas)
}

function addComparisons(program: Command, schemas: Command): void {
  schemas
    .command('check')
    .description('say what a changed schema asks of its version; exit code 9 when that is more than allowed')
    .argument('<schema>', `the changed JSON Schema: ${VALUE}`)
    .option('--old <value>', `the schema before, compared without a server: ${VALUE}`)
    .option('--name <name>', 'instead of --old: the registered schema before')
    .addOption(new Option('--kind <kind>', 'what the documents are; default: the strictest of all').choices(KINDS))
    .addOption(new Option('--allow <level>', 'the highest level that passes; default minor').choices(LEVELS))
    .action(lazily(async () => (await import('../commands/schemas.ts')).checkSchema))
  schemas
    .command('diff')
    .description('compare the events and schemas of two places; exit code 9 when one breaks without a major version')
    .argument('<before>', PLACE)
    .argument('<after>', 'the same for what comes after')
    .action(lazily(async () => (await import('../commands/diff-schemas.ts')).diffSchemas))
  program
    .command('registry')
    .description('schema files of a repository')
    .command('check')
    .description('compare a folder of <type>.v<major>.json with its base; exit code 9 on a breaking change')
    .argument('[folder]', 'the folder; default schemas/events')
    .option('--base <base>', 'a git branch, tag or commit, or a registry (https://…); default HEAD')
    .action(lazily(async () => (await import('../commands/diff-schemas.ts')).checkRegistry))
}
