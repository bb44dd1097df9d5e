import { type Command, Option } from 'commander'
import { instant, integer, list } from '../parse-flags.ts'
import { lazily } from './lazily.ts'
import { withPage } from './page-options.ts'

const BUSES = ['postgres', 'nats', 'kafka']
const PURGED_STATES = ['open', 'replayed', 'discarded']
const STATES = [...PURGED_STATES, 'replaying']
const DEAD_LETTER = 'the dead letter: its id, or at least the last 6 characters of it'

export function addEventCommands(program: Command): void {
  const events = program.command('events').alias('event').description('what happened')
  events
    .command('tail')
    .description('print events as they are recorded')
    .option('--topic <topics>', 'only these topics or aliases, separated by commas')
    .option('--type <types>', 'only these types or prefixes such as plan.*, separated by commas')
    .option('--key <key>', 'only events with this ordering key')
    .option('--plan <plan>', 'only events of this plan, by its full id')
    .option('--session <session>', 'only events of this session, by its full id')
    .option('--correlation <id>', 'only events with this correlation id')
    .addOption(timeOption('--since', 'begin with events since then'))
    .addOption(new Option('--from <cursor>', 'begin after this cursor, or at `earliest`').conflicts('since'))
    .addOption(new Option('--count <events>', 'end after so many, 1–1000000').argParser(integer(1, 1_000_000)))
    .addOption(
      new Option('--reconnect <ms>', 'how long a lost server is waited for, 0–600000 ms; default 60000').argParser(
        integer(0, 600_000),
      ),
    )
    .action(lazily(async () => (await import('../commands/tail-events.ts')).tailEvents))
  events
    .command('publish')
    .description('publish one event; it is durable when the command ends')
    .argument('<type>', 'the type of the event, such as order.placed')
    .option('--topic <topic>', 'the topic or an alias; default: that of the registered type')
    .option('--data <value>', 'the data: JSON, YAML, @file or - for stdin')
    .option('--id <id>', 'the id of the event; default: a new one')
    .option('--key <key>', 'the ordering key')
    .option('--correlation <id>', 'the correlation id')
    .option('--subject <text>', 'what the event is about')
    .option('--response <type>', 'the type of the reply that a request asks for')
    .action(lazily(async () => (await import('../commands/publish-event.ts')).publishEvent))
  addStoredEvents(events)
  addReplay(events)
  addTypes(events)
  addDeadLetterCommands(program)
}

function addStoredEvents(events: Command): void {
  withPage(
    events
      .command('list')
      .description('list stored events, newest first')
      .option('--topic <topic>', 'only this topic or alias')
      .option('--type <type>', 'only this type or prefix such as plan.*')
      .option('--key <key>', 'only events with this ordering key')
      .option('--plan <plan>', 'only events of this plan, by its full id')
      .option('--session <session>', 'only events of this session, by its full id')
      .option('--correlation <id>', 'only events with this correlation id')
      .addOption(timeOption('--since', 'only events since then')),
  ).action(lazily(async () => (await import('../commands/events.ts')).listEvents))
  events
    .command('get')
    .alias('show')
    .description('show one event with its data')
    .argument('<event>', 'the id of the event')
    .option('--source <source>', 'its source, where two events share an id')
    .action(lazily(async () => (await import('../commands/events.ts')).getEvent))
}

function addReplay(events: Command): void {
  events
    .command('replay')
    .description('deliver a stretch of the log again, to one group alone; counts first and asks')
    .requiredOption('--group <group>', 'the subscription (sub_…) or the handlers of a module (module:<name>)')
    .option('--topic <topics>', 'only these topics, separated by commas; default: all that the group reads', list)
    .option('--type <types>', 'only these types or prefixes such as plan.*, separated by commas', list)
    .option('--key <key>', 'only events with this ordering key')
    .addOption(timeOption('--since', 'only events recorded since then; default: the oldest there is'))
    .addOption(timeOption('--until', 'only events recorded before then; default: now'))
    .addOption(new Option('--rate <count>', 'how many a second, 1–10000; default 100').argParser(integer(1, 10_000)))
    .option('--note <text>', 'why, at most 1000 characters; it is recorded')
    .action(lazily(async () => (await import('../commands/replay-events.ts')).replayEvents))
}

function addTypes(events: Command): void {
  withPage(
    events
      .command('types')
      .description('list the event types that are defined, those of the platform included')
      .option('--topic <topic>', 'only types on this topic')
      .addOption(new Option('--kind <kind>', 'only types of this kind').choices(['request', 'reply', 'fact']))
      .addOption(
        new Option('--status <status>', 'only versions in this state').choices([
          'draft',
          'active',
          'deprecated',
          'retired',
        ]),
      )
      .option('--tag <tag>', 'only types with this tag')
      .option('--query <words>', 'only types with these words in type, description, purpose or tags')
      .option('--actionable', 'only types that a live agent declares to consume'),
  ).action(lazily(async () => (await import('../commands/event-types.ts')).listEventTypes))
  events
    .command('graph')
    .description('show what live agents declare to produce and consume')
    .option('--agent <name>', 'only what is near this agent')
    .option('--type <type>', 'only what is near this event type')
    .addOption(new Option('--depth <edges>', 'how near, 1–5; default 2').argParser(integer(1, 5)))
    .action(lazily(async () => (await import('../commands/event-types.ts')).showGraph))
  events
    .command('validate')
    .description('say whether an event would be accepted, and publish nothing; exit code 9 when not')
    .argument('<type>', 'the type of the event, such as order.placed')
    .requiredOption('--topic <topic>', 'the topic or an alias')
    .option('--data <value>', 'the data: JSON, YAML, @file or - for stdin')
    .option('--schema <uri>', 'the version of the schema, as dataschema names it; default: the latest')
    .action(lazily(async () => (await import('../commands/event-types.ts')).validateEvent))
  events
    .command('register')
    .description('define one version of an event type; the same content again changes nothing')
    .argument('<definition>', 'topic, type, version, description, schema: JSON, YAML, @file or - for stdin')
    .action(lazily(async () => (await import('../commands/events.ts')).registerEvent))
  events
    .command('migrate')
    .description('move the events of a stopped installation to another bus; interrupted, it goes on when called again')
    .addOption(new Option('--from <bus>', 'where the log is').choices(BUSES).makeOptionMandatory())
    .addOption(
      new Option('--to <bus>', 'where it shall be; the same bus takes back a move that has not ended')
        .choices(BUSES)
        .makeOptionMandatory(),
    )
    .option('--data <folder>', 'where data is kept; default .soma')
    .action(lazily(async () => (await import('../commands/migrate-events.ts')).migrateEvents))
}

const timeOption = (flag: string, summary: string): Option =>
  new Option(`${flag} <time>`, `${summary}: 30s, 10m, 2h, 1d ago, or an instant`).argParser((text) => instant(text))

function addDeadLetterCommands(program: Command): void {
  const letters = program.command('dead-letters').alias('dead-letter').description('what could not be handled')
  withPage(
    withFilters(letters.command('list').description('list dead letters, newest first')).addOption(
      new Option('--state <state>', 'only those in this state').choices(STATES),
    ),
  ).action(lazily(async () => (await import('../commands/dead-letters.ts')).listDeadLetters))
  letters
    .command('show')
    .alias('get')
    .description('show a dead letter with its data and every attempt')
    .argument('<delivery>', DEAD_LETTER)
    .action(lazily(async () => (await import('../commands/dead-letters.ts')).showDeadLetter))
  letters
    .command('discard')
    .description('give a dead letter up')
    .argument('<delivery>', DEAD_LETTER)
    .requiredOption('--note <text>', 'why, 1–1000 characters; it is recorded')
    .action(lazily(async () => (await import('../commands/dead-letters.ts')).discardDeadLetter))
  withFilters(
    letters.command('purge').description('delete the dead letters that the filters find; counts first and asks'),
  )
    .addOption(new Option('--state <state>', 'only those in this state').choices(PURGED_STATES))
    .addOption(timeOption('--since', 'only those that died since then'))
    .addOption(timeOption('--until', 'only those that died before then'))
    .requiredOption('--note <text>', 'why, 1–1000 characters; it is recorded')
    .action(lazily(async () => (await import('../commands/dead-letters.ts')).purgeDeadLetters))
  withFilters(
    letters
      .command('replay')
      .description('deliver again, to the group that failed alone: one, or all open ones that the filters find')
      .argument('[delivery]', DEAD_LETTER),
  )
    .requiredOption('--note <text>', 'why it will work now, 1–1000 characters; it is recorded')
    .addOption(new Option('--max <count>', 'how many at most, 1–1000; default 100').argParser(integer(1, 1000)))
    .addOption(
      new Option('--rate <count>', 'how many a second, 1–1000; default all at once').argParser(integer(1, 1000)),
    )
    .action(lazily(async () => (await import('../commands/dead-letters.ts')).replayDeadLetters))
}

const withFilters = (command: Command): Command =>
  command
    .option('--group <group>', 'only those of this subscription (sub_…) or of the handlers of a module (module:<name>)')
    .option('--topic <topic>', 'only those of this topic')
    .option('--type <type>', 'only those of this event type')
    .option('--code <code>', 'only those that failed with this problem code')
