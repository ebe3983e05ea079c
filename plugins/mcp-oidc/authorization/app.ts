import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express'
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
import { logFailure, type OAuthEndpoint, unavailableAnswer } from './oauth-endpoints.ts'
import { askProvider, httpRequest, providerHandler, send } from './provider-handler.ts'
import { security_headers } from './security-headers.ts'
import { signOut } from './sign-out.ts'

const most_body_bytes = '64kb'
const raw = express.raw({ type: () => true, limit: most_body_bytes })
const form = express.urlencoded({ extended: false, limit: most_body_bytes })

/**
 * The OAuth endpoints and the pages of the sign-in, as one Express app. `ready` rejects while there
 * is no database to work with; what needs none is answered all the same.
 */
export function createAuthorizationApp(
  flow: Flow,
  oauth: readonly OAuthEndpoint[],
  ready: () => Promise<void>,
): Express {
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
  const { registration, token, revocation, userinfo, jwks } = endpoints
  app.all([registration, token, revocation, userinfo, jwks], cors)
  for (const { answer, method, path } of oauth) {
    const handle: RequestHandler = async (req, res) => send(res, await answer(httpRequest(req)))
    if (method === 'GET') app.get(path, handle)
    else app.post(path, raw, handle)
  }
  app.get(endpoints.authorization, beginAuthorization(flow))
  const pages = ['/connect/:uid', `${endpoints.authorization}/:uid`]
  app.use(pages, withPageRecords(flow), withSeenClient(flow))
  app.get(`${endpoints.authorization}/:uid`, resumeAuthorization(flow))
  signOuts(app, flow)
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

function signOuts(app: Express, flow: Flow): void {
  const ask = providerHandler(flow.provider, flow.settings)
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
  for (const [name, value] of Object.entries(security_headers)) res.setHeader(name, value)
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
    if (!for_a_person) return send(res, unavailableAnswer(flow.log, req, req.path, error))
    logFailure(flow.log, req, req.path, error)
    res.setHeader('retry-after', '5')
    tell(flow, req, res, 503, unavailable)
  }
}

/** body-parser's and the router's errors carry the status of what the client did wrong. */
function clientFault(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number')
    return undefined
  return error.status >= 400 && error.status < 500 ? error.status : undefined
}
