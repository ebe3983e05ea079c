import type { Configuration } from 'oidc-provider'
import { requestId } from '../audit.ts'
import type { Log } from '../log.ts'
import { content_security_policy } from '../pages/content-security-policy.ts'
import type { MessagePage, Pages } from '../pages/pages.ts'
import type { Settings } from '../config/settings.ts'
import { expired } from '../sign-in/messages.ts'

const headlines: Readonly<
  Record<string, Pick<MessagePage, 'title' | 'what_happened' | 'what_to_do'>>
> = {
  invalid_client: {
    title: 'This application is not known here',
    what_happened:
      'The application that sent you here is not registered with this gateway, or its registration has expired.',
    what_to_do:
      'Remove the server from your AI application and add it again, so that the application registers anew.',
  },
  invalid_redirect_uri: {
    title: 'This application may not send you back there',
    what_happened:
      'The application asked to be answered at an address that it did not register, so nothing was sent there.',
    what_to_do:
      'Remove the server from your AI application and add it again. If it happens again, tell its maker.',
  },
}

const any_other = {
  title: 'This request to connect cannot be carried out',
  what_happened:
    'The application that sent you here made a request that this gateway cannot accept.',
  what_to_do:
    'Go back to your AI application and connect again. If it happens again, tell its maker what the small print says.',
}

/** RFC 6749 4.1.2.1: until the redirect URI is proven, an error is told to the person, not redirected. */
export function errorPage(pages: Pages, log: Log): NonNullable<Configuration['renderError']> {
  return (ctx, out) => {
    const known =
      out.error === 'invalid_request' && /session|expired/i.test(out.error_description ?? '')
        ? expired
        : headlines[out.error]
    const request_id = requestId(ctx.req)
    log.info(
      { error: out.error, error_description: out.error_description, request_id },
      'authorization request refused',
    )
    ctx.set('content-security-policy', content_security_policy([]))
    ctx.set('cache-control', 'no-store')
    ctx.type = 'html'
    ctx.body = pages.message({
      ...(known ?? any_other),
      detail: [out.error, out.error_description].filter(part => part !== undefined).join(': '),
      ...(request_id === undefined ? {} : { request_id }),
    })
  }
}

/** RP-initiated logout: asks first, so that a link cannot sign anyone out. */
export function signOutPages(pages: Pages, settings: Pick<Settings, 'issuer'>) {
  const policy = content_security_policy([new URL(settings.issuer).origin])
  return {
    confirm(ctx: { set(name: string, value: string): void; body: unknown }, form: string): void {
      ctx.set('content-security-policy', policy)
      ctx.body = pages.signOut({ form, form_id: 'op.logoutForm' })
    },
    done(ctx: { set(name: string, value: string): void; body: unknown }): void {
      ctx.set('content-security-policy', policy)
      ctx.body = pages.message({
        title: 'You are signed out',
        what_happened:
          'This browser is signed out of the gateway. Connections of your AI applications go on.',
        what_to_do: 'You can close this page.',
      })
    },
  }
}
