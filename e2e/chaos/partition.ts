import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)
/** Nobody has it: frames to it reach no one, and nobody is told. */
const NOBODY = '02:00:00:00:00:01'

/** A network namespace that one wire joins to this machine; what runs there finds the servers of this machine at 127.0.0.1. */
export interface Partition {
  /** Words before a command that is to run there. */
  readonly through: readonly string[]
  /** Where it may listen. */
  readonly host: string
  /** From here on every packet is lost, both ways and without a word. */
  cut(): Promise<void>
  mend(): Promise<void>
  end(): Promise<void>
}

/** Undefined where this machine does not let us have namespaces, which it says. */
export async function openPartition(): Promise<Partition | undefined> {
  const name = `soma-${process.pid}`
  const [near, far] = [`sn${process.pid}`, `sf${process.pid}`]
  const net = `10.231.${process.pid % 256}`
  const ip = (...words: string[]) => run('ip', words)
  const there = (...words: string[]) => ip('netns', 'exec', name, ...words)
  const wires = [
    { at: ip, device: near, to: `${net}.2` },
    { at: (...words: string[]) => there('ip', ...words), device: far, to: `${net}.1` },
  ]
  const end = async () => {
    await ip('netns', 'del', name).catch(() => undefined)
    await ip('link', 'del', near).catch(() => undefined)
  }
  try {
    await ip('netns', 'add', name)
    await ip('link', 'add', near, 'type', 'veth', 'peer', 'name', far, 'netns', name)
    await ip('addr', 'add', `${net}.1/30`, 'dev', near)
    await ip('link', 'set', near, 'up')
    await there('ip', 'link', 'set', 'lo', 'up')
    await there('ip', 'addr', 'add', `${net}.2/30`, 'dev', far)
    await there('ip', 'link', 'set', far, 'up')
    await there('ip', 'addr', 'flush', 'dev', 'lo')
    await there('ip', 'route', 'add', '127.0.0.1/32', 'via', `${net}.1`, 'dev', far, 'src', `${net}.2`, 'onlink')
    for (const { at, device } of [
      { at: (...words: string[]) => run(words[0] as string, words.slice(1)), device: near },
      { at: there, device: far },
    ])
      await at('sh', '-c', `echo 1 > /proc/sys/net/ipv4/conf/${device}/route_localnet`)
  } catch (error) {
    await end()
    process.stderr.write(
      `no process loses its network here, because no network namespace can be made: ${String(error)}\n`,
    )
    return undefined
  }
  return {
    through: ['ip', 'netns', 'exec', name],
    host: `${net}.2`,
    cut: async () => {
      for (const { at, device, to } of wires)
        await at('neigh', 'replace', to, 'lladdr', NOBODY, 'dev', device, 'nud', 'permanent')
    },
    mend: async () => {
      for (const { at, device, to } of wires) await at('neigh', 'del', to, 'dev', device)
    },
    end,
  }
}
