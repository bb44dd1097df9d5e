import { type RunningServer, somaPlatform, startServer } from '@soma/server'

/** A real server of the whole platform in this process, on a free port, that lets the developer in. */
export const startLiveServer = (
  flags: Readonly<Record<string, unknown>> = { 'server.dataDirectory': 'memory' },
): Promise<RunningServer> =>
  startServer({
    platform: somaPlatform,
    sources: {
      flags: {
        mode: 'developer-light',
        'server.port': 0,
        'server.logLevel': 'silent',
        'server.graceMs': 500,
        ...flags,
      },
    },
  })
