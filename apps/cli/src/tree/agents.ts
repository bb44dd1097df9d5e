import { type Command, Option } from 'commander'
import { integer } from '../parse-flags.ts'
import { lazily } from './lazily.ts'
import { withPage } from './page-options.ts'

const KINDS = ['tool', 'worker', 'planner', 'agent']
const STATUSES = ['live', 'degraded', 'draining', 'suspect', 'expired', 'deregistered']
const WORDS = 'what is wanted, in plain words, 1–1000 characters'

export function addAgentCommands(program: Command): void {
  const agents = program.command('agents').alias('agent').description('who is there, and what they can do')
  withPage(
    agents
      .command('list')
      .description('list agents with their processes')
      .addOption(new Option('--kind <kind>', 'only agents of this kind').choices(KINDS))
      .addOption(new Option('--status <status>', 'only agents in this status').choices(STATUSES))
      .option('--capability <name>', 'only agents that offer it')
      .option('--consumes <type>', 'only agents that handle this event type')
      .option('--tag <tag>', 'only agents with this tag')
      .option('--query <words>', 'only agents with these words in name or description')
      .option('--all', 'also agents that ended in the last 24 hours'),
  ).action(lazily(async () => (await import('../commands/agents.ts')).listAgents))
  agents
    .command('show')
    .alias('get')
    .description('show one agent, also one that ended in the last 24 hours')
    .argument('<name>', 'the name of the agent')
    .action(lazily(async () => (await import('../commands/agents.ts')).showAgent))
  withLimit(
    agents.command('find').description('find agents that can do something').argument('<words...>', WORDS),
  ).action(lazily(async () => (await import('../commands/discover.ts')).findAgents))
  agents
    .command('call')
    .description('ask an agent for something and print its answer; exit code 1 when the answer is a failure')
    .argument('<name>', 'the name of the agent')
    .argument('[type]', 'the event that asks for it; default: the only request that the agent handles')
    .option('--data <value>', 'the data: JSON, YAML, @file or - for stdin; default {}')
    .addOption(
      new Option('--timeout <ms>', 'how long the answer is waited for, 1–600000 ms; default 60000').argParser(
        integer(1, 600_000),
      ),
    )
    .action(lazily(async () => (await import('../commands/call-agent.ts')).callAgent))
  addCapabilities(program)
}

function addCapabilities(program: Command): void {
  const capabilities = program.command('capabilities').alias('capability').description('what live agents offer')
  withPage(
    capabilities
      .command('list')
      .description('list the agents with the capabilities that they offer')
      .option('--name <name>', 'only agents that offer this one'),
  ).action(lazily(async () => (await import('../commands/discover.ts')).listCapabilities))
  withLimit(
    capabilities.command('find').description('find capabilities by what they do').argument('<words...>', WORDS),
  ).action(lazily(async () => (await import('../commands/discover.ts')).findCapabilities))
}

const withLimit = (command: Command): Command =>
  command.addOption(new Option('--limit <count>', 'how many at most, 1–50; default 10').argParser(integer(1, 50)))
