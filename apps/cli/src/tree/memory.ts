import { type Command, Option } from 'commander'
import { integer, repeated } from '../parse-flags.ts'
import { lazily } from './lazily.ts'
import { withPage } from './page-options.ts'

const KINDS = ['fact', 'episode', 'procedure']
const SCOPES = ['user', 'space', 'tenant']
const PLAN = 'its id, or at least the last 6 characters of it'
const ITEM = 'the item: its full fact_…, epi_… or proc_… id'
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
  memory
    .command('retrieve')
    .description('passages for an answer, numbered and cited, and whether they answer at all')
    .argument('<words...>', 'the question')
    .option('--plan <plan>', `what belongs to this plan, too: ${PLAN}`)
    .addOption(new Option('--limit <count>', 'how many at most, 1–20; default 6').argParser(integer(1, 20)))
    .addOption(
      new Option('--budget-tokens <count>', 'of all passages, 64–32,000; default 1,500').argParser(integer(64, 32_000)),
    )
    .action(lazily(async () => (await import('../commands/passages.ts')).retrievePassages))
  memory
    .command('context')
    .description('what a model would be told: fenced, cited, within a budget')
    .argument('[words...]', 'what facts and episodes are chosen for; without: the newest')
    .option('--agent <name>', 'whose procedures and episodes')
    .option('--plan <plan>', `what belongs to this plan, too: ${PLAN}`)
    .addOption(
      new Option('--budget-tokens <count>', 'of the whole text, 128–200,000; default 2,000').argParser(
        integer(128, 200_000),
      ),
    )
    .action(lazily(async () => (await import('../commands/passages.ts')).buildContext))
  withPage(
    memory
      .command('list')
      .description('list facts, episodes and procedures, newest first')
      .addOption(new Option('--kind <kind>', 'only items of this kind').choices(KINDS))
      .option('--tag <tag>', 'only items with this tag')
      .option('--plan <plan>', `what belongs to this plan, too: ${PLAN}`),
  ).action(lazily(async () => (await import('../commands/memory.ts')).listItems))
  memory
    .command('show')
    .alias('get')
    .description('show one fact, episode or procedure with its times, trust and source')
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
  addProcedureCommands(memory)
  addWorkingCommands(memory)
}

const TYPES = ['system-prompt', 'few-shot', 'rule', 'skill']
const STATUSES = ['draft', 'active', 'retired']
const VERSION = 'the version: its full proc_… id'

function addProcedureCommands(memory: Command): void {
  const procedures = memory
    .command('procedures')
    .description('how agents do things: prompts, rules, skills, by version')
  withPage(
    procedures
      .command('list')
      .description('list versions, newest first')
      .option('--agent <name>', 'only those of this agent; * of every agent')
      .option('--name <name>', 'only those of this name')
      .addOption(new Option('--status <status>', 'only those in this status').choices(STATUSES)),
  ).action(lazily(async () => (await import('../commands/procedures.ts')).listProcedures))
  procedures
    .command('draft')
    .description('write a version; nobody uses it before it is activated')
    .argument('<name>', 'lower-case letters, digits and -')
    .argument('<content>', 'the text, @file or - for stdin; at most 64 KiB')
    .requiredOption('--agent <name>', 'the agent that it is for; * every agent')
    .addOption(new Option('--type <type>', 'what it is; default skill').choices(TYPES).default('skill'))
    .requiredOption('--trigger <text>', 'when it is of use, in words')
    .option(
      '--tag <tag>',
      'a tag: a rule is used where a tag of it is in what the agent does; may be repeated',
      repeated,
    )
    .addOption(new Option('--scope <scope>', 'who may read it; default user: you alone').choices(SCOPES))
    .action(lazily(async () => (await import('../commands/procedures.ts')).draftProcedure))
  procedures
    .command('activate')
    .description('let a version be used in place of the active one; an older one again rolls back')
    .argument('<version>', VERSION)
    .action(lazily(async () => (await import('../commands/procedures.ts')).activateProcedure))
  procedures
    .command('retire')
    .description('let a version be used no more')
    .argument('<version>', VERSION)
    .action(lazily(async () => (await import('../commands/procedures.ts')).retireProcedure))
  procedures
    .command('select')
    .description('what an agent would use for what it is about to do')
    .argument('<words...>', 'what it is about to do')
    .requiredOption('--agent <name>', 'the agent')
    .addOption(new Option('--limit <count>', 'how many by words at most, 1–20; default 3').argParser(integer(1, 20)))
    .action(lazily(async () => (await import('../commands/procedures.ts')).selectProcedures))
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
