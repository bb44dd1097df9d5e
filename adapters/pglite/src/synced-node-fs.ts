import * as fs from 'node:fs'
import { NodeFS } from '@electric-sql/pglite/nodefs'
import { syncDirectory } from './durable-directory.ts'

interface NodeStream {
  readonly nfd?: number
  readonly node: unknown
}

interface NodeFilesystem {
  readonly stream_ops: { fsync?: (stream: NodeStream) => number }
  realPath(node: unknown): string
}

type PreRun = (module: { FS: { filesystems: { NODEFS: NodeFilesystem } } }) => void

/**
 * A node directory whose files really reach the disk: stock PGlite answers fsync without doing it. It reaches into an internal
 * table of PGlite 0.5.14, so boot checks that a commit raises `syncs` and a test cuts the power.
 */
export class SyncedNodeFS extends NodeFS {
  syncs = 0

  override async init(...[pg, options]: Parameters<NodeFS['init']>): ReturnType<NodeFS['init']> {
    const result = await super.init(pg, options)
    const install: PreRun = ({ FS }) => {
      const nodefs = FS.filesystems.NODEFS
      nodefs.stream_ops.fsync = (stream) => {
        this.syncs += 1
        if (stream.nfd === undefined) syncDirectory(nodefs.realPath(stream.node))
        else fs.fdatasyncSync(stream.nfd)
        return 0
      }
    }
    const preRun = [...((result.emscriptenOpts.preRun as unknown[] | undefined) ?? []), install]
    return { emscriptenOpts: { ...result.emscriptenOpts, preRun: preRun as never } }
  }
}
