import { z } from 'zod'
import { readPlugin } from './plugin-entity.ts'
import type { Surroundings } from './plugin-entity.ts'
import { pathProblem } from './route-path.ts'
import { readService, upstream_fields } from './upstream-service.ts'

const name = z.string().regex(/^[\w.\-~]+$/, 'letters, digits and . - _ ~ only')
const tags = z.array(z.string()).optional()
const methods = ['GET', 'HEAD', 'PUT', 'PATCH', 'POST', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT']
const protocols = z
  .array(z.enum(['http', 'https']))
  .refine(list => list.includes('http'), 'the local gateway serves every route over http too')
  .optional()

/** A reference to another entity by its name: `service: a` or `service: {name: a}`. */
export const reference = z
  .union([z.string(), z.strictObject({ name: z.string() })])
  .transform(given => (typeof given === 'string' ? given : given.name))

const path = z.string().superRefine((given, context) => {
  const message = pathProblem(given)
  if (message !== undefined) context.addIssue({ code: 'custom', message })
})

const route_fields = {
  name: name.optional(),
  paths: z.array(path).min(1).optional(),
  methods: z.array(z.enum(methods)).min(1).optional(),
  hosts: z
    .array(z.string().regex(/^(\*\.)?[\w.-]+(\.\*)?$/, 'is no host'))
    .min(1)
    .optional(),
  protocols,
  https_redirect_status_code: z.int().optional(),
  regex_priority: z.int().default(0),
  strip_path: z.boolean().default(true),
  preserve_host: z.boolean().default(false),
  path_handling: z.literal('v0', 'the local gateway knows v0 only').optional(),
  // Bodies of requests are always buffered here, and those of responses never.
  request_buffering: z.boolean().optional(),
  response_buffering: z.boolean().optional(),
  tags,
}

/** Kong refuses a route that would match whatever comes. */
const matchesSomething = ({
  paths,
  methods,
  hosts,
}: {
  readonly [matched in 'paths' | 'methods' | 'hosts']?: readonly string[] | undefined
}): boolean => (paths ?? methods ?? hosts) !== undefined
const needs_a_match = 'needs paths, methods or hosts'

const plugin_fields = {
  name: z.string(),
  instance_name: name.optional(),
  enabled: z.boolean().default(true),
  config: z.record(z.string(), z.unknown()).nullish(),
  protocols,
  tags,
}

/**
 * Kong's declarative format 3.0, the part that the local gateway can honour; nothing else passes.
 * Parsing yields plugins and services that are checked and ready.
 */
export function declarativeConfig(surroundings: Surroundings) {
  const toEntity = (
    entry: z.output<z.ZodObject<typeof plugin_fields>>,
    context: z.RefinementCtx,
  ) => {
    const entity = readPlugin(entry.name, entry.config ?? {}, surroundings)
    if (!('problems' in entity)) return { enabled: entry.enabled, entity }
    for (const problem of entity.problems) {
      context.addIssue({ code: 'custom', ...problem, path: [...problem.path] })
    }
    return z.NEVER
  }
  const plugins = z.array(z.strictObject(plugin_fields).transform(toEntity)).default([])
  const route = z.strictObject({ ...route_fields, plugins })
  const service = z
    .strictObject({
      name: name.optional(),
      ...upstream_fields,
      enabled: z.boolean().default(true),
      routes: z.array(route.refine(matchesSomething, needs_a_match)).default([]),
      plugins,
      tags,
    })
    .transform(({ name, enabled, routes, plugins, ...entry }, context) => {
      try {
        return { name, enabled, routes, plugins, service: readService(entry, name) }
      } catch (error) {
        if (!(error instanceof TypeError)) throw error
        context.addIssue({ code: 'custom', message: error.message })
        return z.NEVER
      }
    })
  return z.strictObject({
    _format_version: z.literal('3.0', "the local gateway reads format '3.0' (in quotes)"),
    _transform: z.boolean().optional(),
    _comment: z.string().optional(),
    _ignore: z.array(z.unknown()).optional(),
    services: z.array(service).default([]),
    routes: z
      .array(
        route.extend({ service: reference.optional() }).refine(matchesSomething, needs_a_match),
      )
      .default([]),
    plugins: z
      .array(
        z
          .strictObject({
            ...plugin_fields,
            service: reference.optional(),
            route: reference.optional(),
          })
          .transform((entry, context) => {
            const { service, route } = entry
            return { ...toEntity(entry, context), service, route }
          }),
      )
      .default([]),
  })
}

export type DeclarativeConfig = z.output<ReturnType<typeof declarativeConfig>>
