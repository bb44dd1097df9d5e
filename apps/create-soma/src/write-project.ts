import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Files are gathered in `.soma-init.part`. Once it is called `.soma-init` they are whole, and a killed process's successor moves what is left. */
const PART = '.soma-init.part'
const WHOLE = '.soma-init'

/** Writes files into a folder that is missing or empty. Answers why nothing was written, or undefined. */
export function writeProject(folder: string, files: Readonly<Record<string, string>>): string | undefined {
  try {
    mkdirSync(folder, { recursive: true })
    if (!existsSync(join(folder, WHOLE))) {
      const [found] = readdirSync(folder).filter((name) => name !== PART)
      if (found !== undefined) return `${folder} is not empty (${found}): name a folder that does not exist yet`
      gather(folder, files)
    }
    return unpack(folder)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    return `${folder} cannot be written (${code}): name a folder that you may make or write`
  }
}

function gather(folder: string, files: Readonly<Record<string, string>>): void {
  const part = join(folder, PART)
  rmSync(part, { recursive: true, force: true })
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(part, path)), { recursive: true })
    writeFileSync(join(part, path), text)
  }
  renameSync(part, join(folder, WHOLE))
}

function unpack(folder: string): string | undefined {
  const whole = join(folder, WHOLE)
  const names = readdirSync(whole)
  const taken = names.find((name) => existsSync(join(folder, name)))
  if (taken !== undefined) return `${join(folder, taken)} is in the way of the one in ${whole}: move one of them away`
  for (const name of names) renameSync(join(whole, name), join(folder, name))
  rmdirSync(whole)
  return undefined
}
