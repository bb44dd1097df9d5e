import { type Command, Option } from 'commander'
import { integer, list } from '../parse-flags.ts'
import { lazily } from './lazily.ts'

const MODES = ['developer-light', 'developer-full', 'test', 'test-debug', 'production', 'production-debug']

export function addServerCommands(program: Command): void {
  withServerFlags(program.command('serve').description('run a server in this process'))
    .option('--modules <names>', 'host these modules alone, separated by commas; default: all', list)
    .action(lazily(async () => (await import('../commands/run-server.ts')).runServer))
  addDevelop(program)
  addStart(program)
  program
    .command('status')
    .description('show whether the server and all it needs are well; exit code 9 when something is not')
    .action(lazily(async () => (await import('../commands/status.ts')).showStatus))
  withDataFlag(program.command('doctor'))
    .description('check this machine and the server, each line ok, warn or fail; exit code 9 on fail')
    .addOption(
      new Option('--port <port>', 'the port a server would take, 1–65535; default 4000').argParser(integer(1, 65_535)),
    )
    .action(lazily(async () => (await import('../commands/doctor.ts')).runDoctor))
  program
    .command('version')
    .description('print the versions of this program, Node and the server')
    .action(lazily(async () => (await import('../commands/show-version.ts')).showVersion))
  addConfigCommands(program)
}

function addDevelop(program: Command): void {
  const choices = ['start', 'stop', 'status', 'logs']
  const choice = (name: string, description: string): Option =>
    new Option(`--${name}`, description).conflicts(choices.filter((other) => other !== name))
  withServerFlags(program.command('dev'))
    .description('run a server and the agents of this folder, again whenever their files change')
    .addOption(choice('start', 'do so in the background; returns once the server runs and its agents begin'))
    .addOption(choice('stop', 'end what runs in the background, and what it has in hand first'))
    .addOption(choice('status', 'show what runs in the background; exit code 8 when nothing does'))
    .addOption(choice('logs', 'print what it wrote, and what comes, until Ctrl-C'))
    .option('--clean', 'with --stop: delete what it kept, confirmed first')
    .action(lazily(async () => (await import('../commands/dev-choice.ts')).chooseDevelop))
}

function addStart(program: Command): void {
  withJobFlags(withServerFlags(program.command('start')))
    .description('run a server and the job "Are your docs true?" on a folder; goes on where an earlier start ended')
    .action(lazily(async () => (await import('../commands/start-here.ts')).startHere))
  withJobFlags(withDataFlag(program.command('demo')))
    .description('run the job "Are your docs true?" on a server that runs elsewhere; ends with the plan')
    .action(lazily(async () => (await import('../commands/demo-here.ts')).demoHere))
}

const withJobFlags = (command: Command): Command =>
  command
    .argument('[folder]', 'the folder to check; naming one begins a new plan. Default: this folder')
    .option('--fresh', 'begin a new plan although there is one')
    .option('--question <text>', 'what the plan is asked')
    .addOption(
      new Option('--max-statements <count>', 'how many statements are checked, 1–10000; default 2000').argParser(
        integer(1, 10_000),
      ),
    )
    .addOption(
      new Option('--pace-ms <ms>', 'slows each task, to watch it, 0–5000 ms; default 0').argParser(integer(0, 5_000)),
    )
    .option('--model <url>', 'an OpenAI-compatible server; default: the built-in model. Its key: OPENAI_API_KEY')

function addConfigCommands(program: Command): void {
  const config = program.command('config').description('settings, where they come from and what they do')
  config
    .command('show', { isDefault: true })
    .description('list every setting with value and source; secrets are masked')
    .option('--checksum', 'print one hash of all values, to compare two installations')
    .action(lazily(async () => (await import('../commands/config.ts')).showConfig))
  config
    .command('explain')
    .description('say what a setting does and how to change it')
    .argument('<key>', 'the setting, such as server.port')
    .action(lazily(async () => (await import('../commands/config.ts')).explainSetting))
}

const withServerFlags = (command: Command): Command =>
  withDataFlag(command)
    .addOption(
      new Option('--mode <mode>', 'what kind of installation; default: SOMA_MODE, else developer-light').choices(MODES),
    )
    .addOption(
      new Option('--port <port>', 'the port, 0–65535, 0 takes a free one; default 4000').argParser(integer(0, 65_535)),
    )

const withDataFlag = (command: Command): Command =>
  command.option('--data <folder>', 'where data is kept; default .soma')
