import { type Configuration, errors } from 'oidc-provider'
import type { Settings } from '../config/settings.ts'
import { isFirstParty } from './clients/pre-registered.ts'

type ResourceIndicators = NonNullable<NonNullable<Configuration['features']>['resourceIndicators']>

/**
 * RFC 8707: there is one resource, which every AI client asks for, said or not. A page of our own never
 * gets it: no consent was given.
 */
export function resourceIndicators(settings: Settings): ResourceIndicators {
  return {
    enabled: true,
    defaultResource: (_ctx, client) =>
      isFirstParty(settings, client.clientId) ? [] : settings.resource,
    useGrantedResource: () => true,
    getResourceServerInfo: (_ctx, resource, client) => {
      if (resource !== settings.resource || isFirstParty(settings, client.clientId))
        throw new errors.InvalidTarget()
      return {
        scope: settings.scopes.map(scope => scope.name).join(' '),
        audience: settings.resource,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256', kid: settings.signing_keys[0].kid } },
      }
    },
  }
}
