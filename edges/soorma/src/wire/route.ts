import type { Context, FrontRequest, Schema } from '@soma/kernel'
import type * as z from 'zod'

export const SERVICES = ['registry', 'events', 'memory', 'tracker', 'identity'] as const
/** The services of the original, in the order of their ports. */
export type Service = (typeof SERVICES)[number]

/** How a caller proves itself: not at all, with a bearer token, with the superuser's key, or with the key of a tenant's admin. */
export type Proof = 'none' | 'bearer' | 'superuser' | 'tenant-admin'

/** Who was proven, in the words of both sides. */
export interface Caller {
  readonly context: Context
  /** Our tenant. */
  readonly platformTenant: string
  /** Our space; the platform tenant again where a token names none. */
  readonly serviceTenant: string
  /** Our user. */
  readonly serviceUser: string
  /** Users act for themselves alone. */
  readonly isUser: boolean
}

export interface RouteShape {
  readonly service: Service
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** As the original's services have it; parameters in braces. */
  readonly path: string
  readonly summary: string
  readonly proof: Proof
  /** Where it is served: by its service alone, or in the union of all alone. Default: both. */
  readonly mount?: 'service' | 'union'
  readonly query?: Schema
  readonly body?: Schema
  /** Absent: no content, or a stream. */
  readonly output?: Schema
  readonly stream?: true
  /** Default 200; 204 without an output. */
  readonly status?: 201
  /** Statuses with which it refuses, beside 401 of every proof and 422 of every input. */
  readonly refusals?: readonly number[]
}

type Parsed<S, Key extends string> = S extends { readonly [K in Key]: infer Value extends Schema }
  ? z.output<Value>
  : undefined

export interface RouteCall<S extends RouteShape = RouteShape> {
  readonly caller: S['proof'] extends 'none' ? undefined : Caller
  readonly params: Readonly<Record<string, string>>
  readonly query: Parsed<S, 'query'>
  readonly body: Parsed<S, 'body'>
  readonly request: FrontRequest
}

type Answer<S> = S extends { readonly stream: true }
  ? AsyncIterable<string>
  : S extends { readonly output: infer Value extends Schema }
    ? z.input<Value>
    : undefined

export interface Route extends RouteShape {
  handle(call: RouteCall): Promise<unknown>
}

/** Declares one operation of the dialect with what keeps it. */
export const route = <const S extends RouteShape>(
  shape: S,
  handle: (call: RouteCall<S>) => Promise<Answer<S>>,
): Route => ({ ...shape, handle: handle as Route['handle'] })

type Named = Pick<RouteShape, 'method' | 'path'>
type Merged<Common, S> = Omit<Common, keyof S> & S & Named

/** Declares routes that have something in common: their service, who is let in, what they answer. Each is `<method> <path>` and what it says otherwise. */
export const routesWith =
  <const Common extends Omit<RouteShape, keyof Named | 'summary'>>(common: Common) =>
  <const S extends Omit<RouteShape, keyof Named | 'service' | 'proof'>>(
    request: `${RouteShape['method']} ${string}`,
    shape: S,
    handle: (call: RouteCall<Merged<Common, S> & RouteShape>) => Promise<Answer<Merged<Common, S>>>,
  ): Route => {
    const [method, path] = request.split(' ') as [RouteShape['method'], string]
    return { ...common, ...shape, method, path, handle: handle as unknown as Route['handle'] }
  }
