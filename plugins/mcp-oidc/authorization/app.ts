import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express'
import { requestId } from '../audit.ts'
import { assets, plain_assets } from '../pages/assets.ts'
import { takeDecision } from '../consent/external/take-decision.ts'
import { backchannelLogout } from '../logout/backchannel-logout.ts'
import { answerConnect, showConnect } from '../sign-in/connect.ts'
import { finishSignIn } from '../sign-in/callback.ts'
import { type Flow, tell } from '../sign-in/flow.ts'
import { form_not_ours, unavailable } from '../sign-in/messages.ts'
import { withPageRecords } from '../sign-in/page-records.ts'
import { beginAuthorization, resumeAuthorization } from './authorize.ts'
import { withSeenClient } from './client-documents/seen-client.ts'
import { cors } from './cors.ts'
import { endpoints } from './endpoints.ts'
import { authorizationServerMetadata, protectedResourceMetadata } from './metadata.ts'
import { askProvider, providerHandler } from './provider-handler.ts'
import { tokenHandler } from './refresh/token-handler.ts'
import { registrationHandler } from './registration.ts'
import { signOut } from './sign-out.ts'

const most_body_bytes = '64kb'
const raw = express.raw({ type: () => true, limit: most_body_bytes })
const form = express.urlencoded({ extended: false, limit: most_body_bytes })

/**
 * The OAuth endpoints and the pages of the sign-in, as one Express app. `ready` rejects while there
 * is no database to work with; what needs none is answered all the same.
 */
export function createAuthorizationApp(flow: Flow, ready: () => Promise<void>): Express {
  const { provider, settings } = flow
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  app.enable('strict routing')
  app.enable('case sensitive routing')
  app.use(securityHeaders)
  discovery(app, flow)
  app.get('/assets/:name', serveAsset)
  app.use(async (_req, _res, next) => {
    await ready()
    next()
  })
  app.all(endpoints.registration, cors)
  app.post(endpoints.registration, raw, registrationHandler(provider, settings, flow.audit))
  app.get(endpoints.authorization, beginAuthorization(flow))
  const pages = ['/connect/:uid', `${endpoints.authorization}/:uid`]
  app.use(pages, withPageRecords(flow), withSeenClient(flow))
  app.get(`${endpoints.authorization}/:uid`, resumeAuthorization(flow))
  oauth(app, flow)
  app.get('/connect/:uid', showConnect(flow))
  app.post('/connect/:uid', form, answerConnect(flow))
  if (flow.consent_service)
    app.get('/connect/:uid/consent', takeDecision(flow, flow.consent_service))
  app.get('/callback/:idp', finishSignIn(flow))
  app.post('/backchannel-logout/:idp', form, backchannelLogout(flow))
  app.use(
    (_req, res) =>
      void res
        .status(404)
        .json({ error: 'not_found', error_description: 'There is nothing at this address.' }),
  )
  app.use(failure(flow))
  return app
}

function oauth(app: Express, flow: Flow): void {
  const { provider, settings } = flow
  const ask = providerHandler(provider, settings)
  app.all([endpoints.token, endpoints.revocation, endpoints.userinfo, endpoints.jwks], cors)
  app.post(endpoints.token, raw, tokenHandler(flow))
  app.post([endpoints.revocation, endpoints.userinfo], raw, ask)
  if (settings.resource_servers.length > 0) app.post(endpoints.introspection, raw, ask)
  app.get([endpoints.userinfo, endpoints.jwks], ask)
  app.get(endpoints.end_session, signOut(flow))
  app.get(`${endpoints.end_session}/success`, ask)
  app.post(`${endpoints.end_session}/confirm`, raw, ask)
}

/** D01–D04: two documents, each at the addresses clients probe; anything else there is a JSON 404. */
function discovery(app: Express, { provider, settings }: Flow): void {
  const resource = '/.well-known/oauth-protected-resource'
  const serveResource: RequestHandler = (_req, res) =>
    void res.json(protectedResourceMetadata(settings))
  const serveServer: RequestHandler = async (_req, res) => {
    const { body } = await askProvider(provider, settings, {
      method: 'GET',
      url: '/.well-known/openid-configuration',
      headers: {},
    })
    res.json(
      authorizationServerMetadata(JSON.parse(body.toString()) as Record<string, unknown>, settings),
    )
  }
  app.use('/.well-known', cors)
  app.get(
    [resource, `${resource}${settings.resource_path}`, `${resource}${settings.resource_path}/`],
    serveResource,
  )
  app.get(
    ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration'],
    serveServer,
  )
}

const securityHeaders: RequestHandler = (_req, res, next) => {
  res.setHeader('x-content-type-options', 'nosniff')
  res.setHeader('x-frame-options', 'DENY')
  res.setHeader('referrer-policy', 'no-referrer')
  next()
}

const serveAsset: RequestHandler = (req, res, next) => {
  const name = String(req.params.name)
  const for_ever = assets.get(name)
  const asset = for_ever ?? plain_assets.get(name)
  if (!asset) return next()
  res.setHeader(
    'cache-control',
    `public, ${for_ever ? 'max-age=31536000, immutable' : 'max-age=300'}`,
  )
  res.type(asset.content_type).send(asset.body)
}

const html_paths = /^\/(?:authorize|connect|callback|logout)(?:\/|$)/

/** Nothing leaks and nothing loops: a person gets a page, a program an OAuth error. */
function failure(flow: Flow): ErrorRequestHandler {
  return (error: unknown, req, res, next) => {
    if (res.headersSent) return next(error)
    const status = clientFault(error)
    const for_a_person = html_paths.test(req.path)
    if (status !== undefined && for_a_person) return tell(flow, req, res, status, form_not_ours)
    if (status !== undefined) {
      const error_description =
        status === 413
          ? `The request body is larger than ${most_body_bytes}.`
          : 'The request could not be read.'
      return void res.status(status).json({ error: 'invalid_request', error_description })
    }
    flow.log.error(
      { err: error, route: req.path.split('/')[1], request_id: requestId(req) },
      'request failed',
    )
    res.setHeader('cache-control', 'no-store')
    res.setHeader('retry-after', '5')
    if (for_a_person) return tell(flow, req, res, 503, unavailable)
    res
      .status(503)
      .json({ error: 'temporarily_unavailable', error_description: unavailable.what_happened })
  }
}

/** body-parser's and the router's errors carry the status of what the client did wrong. */
function clientFault(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number')
    return undefined
  return error.status >= 400 && error.status < 500 ? error.status : undefined
}
