import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

const paragraphs = (count: number): string =>
  Array.from({ length: count }, (_, at) => `Part ${at} is in \`src/part-${at}.js\`.`).join('\n\n')

/** A small project with statements of all kinds, some of them false. Two path tasks, because a task has 50 statements at most. */
const FILES: Readonly<Record<string, string>> = {
  'README.md': `# Ferry\n\nFerry carries parcels over the river. It needs Node 18.\n\nParcels arrive before noon on every working day.\n\nStart it with \`npm run serve\`, or \`npm start\`. It listens on port 4100 and reads \`FERRY_PORT\` and \`FERRY_DEPTH\`.\n\nSee [the guide](docs/guide.md) and [the map](docs/map.md).\n`,
  'docs/guide.md': `# Guide\n\n${paragraphs(60)}\n`,
  'package.json': `${JSON.stringify({ name: 'ferry', version: '1.2.0', engines: { node: '>=20' }, scripts: { start: 'node src/part-0.js' } }, null, 2)}\n`,
  'src/part-0.js': 'const port = process.env.FERRY_PORT ?? 4200\nconsole.log(port)\n',
}

/** Writes the project into a folder, which is made. */
export function writeSmallFolder(folder: string): void {
  for (const [path, text] of Object.entries(FILES)) writeFileIn(folder, path, text)
  for (let part = 1; part < 58; part += 1) writeFileIn(folder, `src/part-${part}.js`, `console.log(${part})\n`)
}

/** Writes one file and the folders above it. */
export function writeFileIn(folder: string, path: string, content: string | Uint8Array): void {
  const file = join(folder, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
}
