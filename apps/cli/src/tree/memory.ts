import { type Command, Option } from 'commander'
import { integer, repeated } from '../parse-flags.ts'
import { lazily } from './lazily.ts'
import { withPage } from './page-options.ts'

const KINDS = ['fact', 'episode']
const SCOPES = ['user', 'space', 'tenant']
const PLAN = 'its id, or at least the last 6 characters of it'
const ITEM = 'the item: its full fact_… or epi_… id'
const MAX_TTL_MS = 31_622_400_000

export function addMemoryCommands(program: Command): void {
  const memory = program.command('memory').description('what agents and people remember')
  memory
    .command('remember')
    .description('store a fact; what was stored already is touched')
    .argument('<text>', 'the fact, at most 64 KiB')
    .option('--subject <name>', 'with --predicate a slot: a new value replaces the old one')
    .option('--predicate <name>', 'what of the subject it says: home, employer')
    .option('--key <id>', 'an id of your own: new text under it supersedes the old')
    .option('--tag <tag>', 'a tag; may be repeated', repeated)
    .addOption(new Option('--scope <scope>', 'who may read it; default user: you alone').choices(SCOPES))
    .option('--plan <plan>', `who works in this plan may read it: ${PLAN}`)
    .action(lazily(async () => (await import('../commands/memory.ts')).rememberFact))
  memory
    .command('recall')
    .description('find by words among all that you may read, with the parts of each score')
    .argument('<words...>', 'what is looked for')
    .addOption(new Option('--kind <kind>', 'only items of this kind').choices(KINDS))
    .option('--tag <tag>', 'only items with this tag; may be repeated', repeated)
    .option('--plan <plan>', `what belongs to this plan, too: ${PLAN}`)
    .addOption(new Option('--limit <count>', 'how many at most, 1–50; default 10').argParser(integer(1, 50)))
    .action(lazily(async () => (await import('../commands/memory.ts')).recallItems))
  withPage(
    memory
      .command('list')
      .description('list facts and episodes, newest first')
      .addOption(new Option('--kind <kind>', 'only items of this kind').choices(KINDS))
      .option('--tag <tag>', 'only items with this tag')
      .option('--plan <plan>', `what belongs to this plan, too: ${PLAN}`),
  ).action(lazily(async () => (await import('../commands/memory.ts')).listItems))
  memory
    .command('show')
    .alias('get')
    .description('show one fact or episode with its times, trust and source')
    .argument('<item>', ITEM)
    .action(lazily(async () => (await import('../commands/memory.ts')).showItem))
  memory
    .command('forget')
    .description('erase items with their words and links: what goes is counted and confirmed first')
    .argument('[items...]', ITEM)
    .option('--subject <user>', 'all of a person, by the id of the user or principal')
    .option('--plan <plan>', `all of a plan: ${PLAN}`)
    .option('--session-id <id>', 'all of a session')
    .option('--source <ref>', 'all that came from this source')
    .option('--reason <text>', 'why, at most 500 characters; it is recorded')
    .action(lazily(async () => (await import('../commands/memory.ts')).forgetItems))
  addWorkingCommands(memory)
}

function addWorkingCommands(memory: Command): void {
  const working = memory.command('working').description('values by key: of a plan, else your own scratch')
  const ofPlan = (command: Command): Command => command.option('--plan <plan>', `of this plan: ${PLAN}`)
  withPage(
    ofPlan(working.command('list').description('list values by key')).option(
      '--prefix <text>',
      'only keys that begin so',
    ),
  ).action(lazily(async () => (await import('../commands/working-memory.ts')).listWorking))
  ofPlan(working.command('get').alias('show').description('show one value'))
    .argument('<key>', 'its key')
    .action(lazily(async () => (await import('../commands/working-memory.ts')).getWorking))
  ofPlan(working.command('put').description('store a value'))
    .argument('<key>', 'its key, at most 200 characters')
    .argument('<value>', 'JSON, YAML, @file or - for stdin; at most 256 KiB')
    .addOption(
      new Option('--ttl-ms <ms>', 'it goes so long after, 1–31,622,400,000; default never').argParser(
        integer(1, MAX_TTL_MS),
      ),
    )
    .addOption(
      new Option('--if-version <version>', 'only over this version; 0: only where nothing is').argParser(
        integer(0, Number.MAX_SAFE_INTEGER),
      ),
    )
    .action(lazily(async () => (await import('../commands/working-memory.ts')).putWorking))
  ofPlan(working.command('delete').description('delete a value; prints what it was'))
    .argument('<key>', 'its key')
    .action(lazily(async () => (await import('../commands/working-memory.ts')).deleteWorking))
}
