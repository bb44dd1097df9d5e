import { type Command, Option } from 'commander'
import { instant, integer } from '../parse-flags.ts'
import { lazily } from './lazily.ts'
import { withPage } from './page-options.ts'

const STATES = ['open', 'replaying', 'replayed', 'discarded']

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
    .addOption(
      new Option('--since <time>', 'begin with events since then: 30s, 10m, 2h, 1d ago, or an instant').argParser(
        (text) => instant(text),
      ),
    )
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
    .action(lazily(async () => (await import('../commands/publish-event.ts')).publishEvent))
  addStoredEvents(events)
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
      .addOption(
        new Option('--since <time>', 'only events since then: 30s, 10m, 2h, 1d ago, or an instant').argParser((text) =>
          instant(text),
        ),
      ),
  ).action(lazily(async () => (await import('../commands/events.ts')).listEvents))
  events
    .command('get')
    .alias('show')
    .description('show one event with its data')
    .argument('<event>', 'the id of the event')
    .option('--source <source>', 'its source, where two events share an id')
    .action(lazily(async () => (await import('../commands/events.ts')).getEvent))
  events
    .command('register')
    .description('define one version of an event type; the same content again changes nothing')
    .argument('<definition>', 'topic, type, version, description, schema: JSON, YAML, @file or - for stdin')
    .action(lazily(async () => (await import('../commands/events.ts')).registerEvent))
}

function addDeadLetterCommands(program: Command): void {
  const letters = program.command('dead-letters').alias('dead-letter').description('what could not be handled')
  withPage(
    withFilters(letters.command('list').description('list dead letters, newest first')).addOption(
      new Option('--state <state>', 'only those in this state').choices(STATES),
    ),
  ).action(lazily(async () => (await import('../commands/dead-letters.ts')).listDeadLetters))
  withFilters(
    letters
      .command('replay')
      .description('deliver again, to the group that failed alone: one, or all open ones that the filters find')
      .argument('[delivery]', 'the dead letter: its id, or at least the last 6 characters of it'),
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
