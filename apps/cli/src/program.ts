import { Command, Option } from 'commander'
import { integer } from './parse-flags.ts'
import { addAccessCommands } from './tree/access.ts'
import { addAgentCommands } from './tree/agents.ts'
import { addEventCommands } from './tree/events.ts'
import { addGateCommands } from './tree/gates.ts'
import { addMemoryCommands } from './tree/memory.ts'
import { addPlanCommands } from './tree/plans.ts'
import { addProjectCommands } from './tree/project.ts'
import { addSchemaCommands } from './tree/schemas.ts'
import { addServerCommands } from './tree/server.ts'
import { addTaskCommands } from './tree/tasks.ts'
import { VERSION } from './version.ts'

const FORMATS = ['table', 'json', 'yaml', 'id']

const EXIT_CODES = `
Exit codes: 0 done, 1 failed, 2 wrong use, 3 denied, 4 not found, 5 conflict, 6 approval needed, 7 budget, 8 unavailable, 9 a check said no, 130 interrupted.
Environment: SOMA_URL, SOMA_API_KEY or SOMA_TOKEN, SOMA_TENANT, SOMA_MODE, NO_COLOR.`

/** The command tree. `name` is the one that was typed. Making it loads no command's code. */
export function createProgram(name: string): Command {
  const program = new Command(name)
    .description('Runs and watches agents that work together through durable events.')
    .version(VERSION, '-V, --version', 'print the version')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError()
    .showHelpAfterError(`(\`${name} --help\` lists the commands)`)
    .addHelpText('after', EXIT_CODES)
    .option('--json', 'print one JSON document, streams one object a line (the same as --output json)')
    .addOption(
      new Option('--output <format>', 'how the result is printed; default: table, tab-separated where piped').choices(
        FORMATS,
      ),
    )
    .option('--url <url>', 'the server; default: SOMA_URL, else the one running in .soma, else http://127.0.0.1:4000')
    .option('--no-color', 'print without colours')
    .option('--yes', 'answer confirmations with yes; never gives a reason')
    .addOption(
      new Option('--retries <count>', 'how often a retryable failure is repeated, 0–10; default 3').argParser(
        integer(0, 10),
      ),
    )
    .option('--idempotency-key <key>', 'the key of the request, so that a repeated command does its work once')
  addProjectCommands(program)
  addServerCommands(program)
  addPlanCommands(program)
  addTaskCommands(program)
  addGateCommands(program)
  addMemoryCommands(program)
  addEventCommands(program)
  addSchemaCommands(program)
  addAgentCommands(program)
  addAccessCommands(program)
  return program
}
