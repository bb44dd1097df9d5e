import { type Route, SERVICES, type Service } from './route.ts'

export type Found =
  | { readonly kind: 'route'; readonly route: Route; readonly params: Readonly<Record<string, string>> }
  /** The same path with a slash behind it. */
  | { readonly kind: 'redirect' }
  | { readonly kind: 'wrong-method'; readonly allow: readonly string[] }
  | { readonly kind: 'nothing' }

/** Finds routes by method and path below `/soorma`: `/<service>/…` has that service's, anything else the union of all. */
export function createRouter(routes: readonly Route[]): (method: string, path: string) => Found {
  const entries = routes.map((route) => ({ route, pattern: patternOf(route.path) }))
  return (method, path) => {
    const [, first = ''] = path.split('/', 2)
    const service = isService(first) ? first : undefined
    const rest = service === undefined ? path : path.slice(first.length + 1) || '/'
    const known = entries.filter(({ route }) =>
      service === undefined ? route.mount !== 'service' : route.service === service && route.mount !== 'union',
    )
    const matching = known.flatMap(({ route, pattern }) => {
      const match = pattern.exec(rest)
      return match === null ? [] : [{ route, groups: match.groups ?? {} }]
    })
    const found = matching.find(({ route }) => route.method === method)
    if (found !== undefined) return paramsOf(found)
    if (matching.length > 0) return { kind: 'wrong-method', allow: matching.map(({ route }) => route.method) }
    const isSlashed = rest.length > 1 && rest.endsWith('/')
    if (isSlashed && known.some(({ pattern }) => pattern.test(rest.slice(0, -1)))) return { kind: 'redirect' }
    return { kind: 'nothing' }
  }
}

const isService = (name: string): name is Service => (SERVICES as readonly string[]).includes(name)

function paramsOf({ route, groups }: { route: Route; groups: Record<string, string> }): Found {
  try {
    const params = Object.fromEntries(Object.entries(groups).map(([name, text]) => [name, decodeURIComponent(text)]))
    return { kind: 'route', route, params }
  } catch {
    return { kind: 'nothing' }
  }
}

/** Literal paths before those with parameters is the order of the routes; a parameter is one segment. */
const patternOf = (path: string): RegExp =>
  new RegExp(`^${path.replaceAll(/[.*+?^$()|[\]\\]/g, String.raw`\$&`).replaceAll(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`)
