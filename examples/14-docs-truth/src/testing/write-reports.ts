/** Writes reports as its parent says: each line of stdin is a folder, an owner and the files; each answer is one line. */
import { createInterface } from 'node:readline'
import { writeFilesOnce } from '../report/write-files-once.ts'

process.stdout.write('ready\n')
for await (const line of createInterface({ input: process.stdin })) {
  const { folder, owner, files } = JSON.parse(line) as { folder: string; owner: string; files: Record<string, string> }
  process.stdout.write(`${JSON.stringify(writeFilesOnce(folder, files, { owner }))}\n`)
}
