import { expect, test } from 'vitest'
import { aFolder } from '../testing/a-folder.ts'
import { verdictsOn } from '../testing/run-engine.ts'

const PROJECT = {
  'package.json': JSON.stringify({
    name: 'harbour-kit',
    version: '2.4.1',
    private: true,
    license: 'MIT',
    scripts: { build: 'x', 'test:unit': 'x' },
    bin: { harbour: 'bin/harbour.js' },
    engines: { node: '>=20.11.0' },
    dependencies: { fastify: '^5.1.0' },
  }),
  '.gitignore': 'generated/\n',
  '.env.example': 'A=1',
  'bin/harbour.js':
    "program.command('serve').option('--port <n>')\nprogram.command('report')\nprocess.env.HARBOUR_PORT ?? 4600\n",
  'src/berths/allocate.js': 'export const a = 1\n',
  'src/berths/index.js': '\n',
  'docs/guide.md': '# Guide\n\n## First steps\n\n## C++ & friends\n\n## First steps\n',
  Makefile: 'up:\n\ttrue\n',
}

/** `subject verdict` of every statement of a README in the project. */
function verdicts(readme: string, files: Readonly<Record<string, string>> = {}): readonly string[] {
  const all = verdictsOn(aFolder({ ...PROJECT, ...files, 'README.md': readme }))
  return all
    .filter(({ statement }) => statement.file === 'README.md')
    .map(({ statement, verdict }) => `${statement.subject} ${verdict}`)
}

test.each<readonly [string, string, readonly string[]]>([
  ['a file that is there', 'See `src/berths/allocate.js`.', ['src/berths/allocate.js true']],
  ['a file that is gone', 'See `src/berths/choose.js`.', ['src/berths/choose.js false']],
  ['a module without its extension', 'See `src/berths/allocate`.', ['src/berths/allocate true']],
  ['a path from the middle of the folder', 'See `berths/allocate.js`.', ['berths/allocate.js true']],
  ['a line in a file', 'See `src/berths/allocate.js:1`.', ['src/berths/allocate.js true']],
  [
    'a file to look at in a folder that is gone',
    'See `example/server.js` for one. A client is `example/client.js`. See `path/to/it.js`.',
    ['example/server.js false', 'example/client.js unchecked', 'path/to/it.js unchecked'],
  ],
  ['a file to be made', 'Create `src/berths/mine.js` first.', ['src/berths/mine.js unchecked']],
  ['a file that is no more', 'The old `src/berths/gone.js` was removed.', ['src/berths/gone.js unchecked']],
  ['a file that git ignores', 'Types are in `generated/types.js`.', ['generated/types.js unchecked']],
  ['a secret by its name', 'Copy `.env.example`.', ['.env.example true']],
  ['a path outside', 'See `../../other/file.js`.', ['../../other/file.js unchecked']],
  ['what only looks like a path', 'Send `application/json` over `TCP/IP` to `/v1/plans`, or `and/or`.', []],
  ['a link that is there', '[guide](docs/guide.md) [folder](./src/)', ['docs/guide.md true', './src/ true']],
  ['a link that is broken', '[guide](docs/manual.md)', ['docs/manual.md false']],
  ['a link in another case', '[guide](docs/Guide.md)', ['docs/Guide.md false']],
  ['a link by reference', '[guide]\n\n[guide]: docs/gone.md\n', ['docs/gone.md false']],
  [
    'a reference written as a file',
    'See [the guide](guide).\n\n[guide]: docs/guide.md\n',
    ['guide false', 'docs/guide.md true'],
  ],
  [
    'a link in HTML',
    '<a href="docs/gone.md">x</a> <img src="docs/none.png">',
    ['docs/gone.md false', 'docs/none.png false'],
  ],
  ['a link in a comment', '<!-- <a href="docs/gone.md">x</a> -->', []],
  ['an outside link', '[x](https://example.com/a.md)', ['https://example.com/a.md unchecked']],
  [
    'an anchor',
    '[x](docs/guide.md#first-steps) [y](docs/guide.md#first-steps-1)',
    ['docs/guide.md#first-steps true', 'docs/guide.md#first-steps-1 true'],
  ],
  ['an anchor that is gone', '[x](docs/guide.md#last-steps-of-all)', ['docs/guide.md#last-steps-of-all false']],
  ['an anchor of signs', '[x](docs/guide.md#c--friends)', ['docs/guide.md#c--friends true']],
  ['an anchor as GitLab spells it', '[x](docs/guide.md#c-friends)', ['docs/guide.md#c-friends unchecked']],
  [
    'a line of a file',
    '[x](src/berths/allocate.js#L1) [y](src/berths/allocate.js#L90)',
    ['src/berths/allocate.js#L1 true', 'src/berths/allocate.js#L90 false'],
  ],
  ['a script', '```sh\nnpm run build && npm run test:unit\n```', ['build true', 'test:unit true']],
  ['a script that is gone', '```sh\n$ npm run compile\n```', ['compile false']],
  ['output in a console', '```console\n$ npm run build\nnpm run other\n```', ['build true']],
  ['a script of another project', '```sh\nnpm init\nnpm run compile\n```', ['compile unchecked']],
  [
    'a script to be added',
    '```json\n{ "scripts": { "compile": "x" } }\n```\n\nThen `npm run compile`.',
    ['compile unchecked'],
  ],
  ['a target', '```sh\nmake up\nmake down\n```', ['make up true', 'make down false']],
  [
    'a command with a flag',
    '```sh\nharbour serve --port 1\nharbour serve --prot 1\n```',
    ['harbour serve true', '--port true', 'harbour serve true', '--prot false'],
  ],
  ['a flag of whatever', 'Pass `--inspect`.', ['--inspect unchecked']],
  ['a variable', 'Set the environment variable `HARBOUR_PORT`.', ['HARBOUR_PORT true']],
  ['a variable that nothing reads', 'The environment variable `HARBOUR_SPEED` sets the pace.', ['HARBOUR_SPEED false']],
  ['a variable of everyone', 'The environment variable `NODE_OPTIONS` is kept.', ['NODE_OPTIONS unchecked']],
  ['an error code', 'It fails with `ERR_BAD_THING`.', []],
  ['a port', 'It listens on port 4600.', ['4600 true']],
  ['a port that moved', 'It listens on port 4700.', ['4700 false']],
  ['the port of another program', 'Postgres listens on port 5432.', ['5432 unchecked']],
  ['an engine', 'Requires Node.js 20.11 or newer.', ['20.11 true']],
  ['an engine that is too low', 'Requires Node.js >= 18.', ['18 false']],
  ['an engine in the past', 'Node.js 18 or later was needed before.', ['18 unchecked']],
  ['an engine of a feature', 'The flag needs Node.js 22 or later to show colours in the example.', ['22 unchecked']],
  ['a dependency', 'It is built on Fastify 5.1.', ['5.1 true']],
  ['a dependency that moved on', 'It is built on Fastify 4.2.', ['4.2 false']],
  ['a dependency in the past', 'Since Fastify 4.2 it is used.', ['4.2 unchecked']],
  ['a licence', '## License\n\nMIT', ['MIT true']],
  ['another licence', '## License\n\nISC', ['ISC false']],
  ['licences of others', '## License\n\nMIT\n\nOur dependencies have:\n\n- ISC\n', ['MIT true']],
  ['its own name', '```sh\nnpm install harbour-kit\n```', ['harbour-kit true']],
  ['a slip in its own name', '```sh\nnpm install harbor-kit\n```', ['harbor-kit false']],
  ['a package of others', '```sh\nnpm install left-pad\n```', ['left-pad unchecked']],
])('%s', (_name, readme, expected) => {
  expect(verdicts(readme)).toEqual(expected)
})

test('an absence proves nothing while code was left out', () => {
  const large = { 'src/large.js': `// ${'x'.repeat(2_100_000)}` }
  expect(verdicts('The environment variable `HARBOUR_SPEED` sets the pace.', large)).toEqual([
    'HARBOUR_SPEED unchecked',
  ])
})

test('a variable with a name made up at run time may be any', () => {
  const dynamic = { 'src/env.js': 'export const read = (name) => process.env[name]\n' }
  expect(verdicts('The environment variable `HARBOUR_SPEED` sets the pace.', dynamic)).toEqual([
    'HARBOUR_SPEED unchecked',
  ])
})

test('a table is about this code when most of its keys are in it', () => {
  const table = (names: readonly string[]): string =>
    `| setting | is |\n|---|---|\n${names.map((name) => `| \`${name}\` | x |\n`).join('')}`
  const code = { 'src/settings.js': 'export const settings = { gapMetres: 1, holdMinutes: 2 }\n' }
  expect(verdicts(table(['gapMetres', 'holdMinutes', 'lengthCap']), code).at(-1)).toBe('lengthCap false')
  expect(verdicts(table(['gapMetres', 'lengthCap', 'widthCap']), code).at(-1)).toBe('widthCap unchecked')
})

test('records of the past and test material are not read', () => {
  const files = {
    'CHANGELOG.md': 'See `src/gone.js`.',
    'docs/decisions/1.md': 'See `src/gone.js`.',
    'test/fixtures/a.md': 'See `src/gone.js`.',
  }
  expect(verdictsOn(aFolder({ ...PROJECT, ...files, 'README.md': '' }))).toEqual([])
})
