import type { MessagePage } from '../pages/pages.ts'
import type { Unwelcome } from './person.ts'

type Message = Pick<MessagePage, 'title' | 'what_happened' | 'what_to_do'>

const go_back = 'go back to your AI application and connect again.'
const start_again = `G${go_back.slice(1)}`

export const expired: Message = {
  title: 'This sign-in has expired',
  what_happened:
    'The request to connect took too long, or was opened in a browser that does not remember it, because its cookies were deleted or blocked.',
  what_to_do: start_again,
}

export const already_answered: Message = {
  title: 'This request was answered already',
  what_happened:
    'This request to connect was answered a moment ago, perhaps on another copy of this page. That answer stands.',
  what_to_do: `You can close this page and go back to your AI application. If it is not connected there, connect again.`,
}

export const used: Message = {
  title: 'This step was done already',
  what_happened:
    'This page was reloaded, or opened again with the back button. A sign-in can be taken from the company sign-in only once, so nothing was done a second time.',
  what_to_do: `If you have not finished connecting, ${go_back}`,
}

export const going_in_circles: Message = {
  title: 'Your application keeps coming back',
  what_happened:
    'This application sent you here three times within a minute, and each time there was nothing to do but to send you back. This gateway has stopped that.',
  what_to_do:
    'Close this page and wait a minute. Then connect again. If it happens again, remove the server from your AI application and add it anew, or tell its maker what the small print says.',
}

export const form_not_ours: Message = {
  title: 'This form could not be accepted',
  what_happened:
    'The form did not come from the page that was shown to you, or the page was opened too long ago.',
  what_to_do: `${start_again} If it happens again, allow cookies for this site.`,
}

export const other_browser: Message = {
  title: 'This sign-in was started somewhere else',
  what_happened:
    'The sign-in was begun in another browser, so it was stopped. Somebody may have sent you a link that would have connected their application to your account.',
  what_to_do: `If you did not start this yourself, close this page. If you did, ${go_back}`,
}

export const no_way_back: Message = {
  title: 'This application may not send you back there',
  what_happened:
    'The address that your application asked to be answered at is not allowed here any more, so nothing was sent there.',
  what_to_do: `${start_again} If it happens again, tell your administrator.`,
}

export const cancelled: Message = {
  title: 'You did not sign in',
  what_happened:
    'The company sign-in said that you cancelled, or that you may not use this service.',
  what_to_do: `To try again, ${go_back} If you should have access, ask your administrator.`,
}

export const trouble_there: Message = {
  title: 'The company sign-in is in trouble',
  what_happened:
    'The company sign-in said that it cannot sign anybody in just now, so nobody was signed in.',
  what_to_do: `Wait a minute. ${start_again}`,
}

export const sign_in_failed: Message = {
  title: 'The company sign-in gave an unusable answer',
  what_happened:
    'The answer of the company sign-in could not be verified, so nobody was signed in.',
  what_to_do: `${start_again} If it happens again, tell your administrator the request number below.`,
}

/** `name` is what people call the identity provider. */
export const signInUnreachable = (name: string): Message => ({
  title: 'The company sign-in cannot be reached',
  what_happened: `This gateway could not reach “${name}” just now.`,
  what_to_do: `Wait a minute. ${start_again}`,
})

export const unavailable: Message = {
  title: 'The gateway is not available right now',
  what_happened:
    'Something this gateway needs did not answer, so your request was not carried out.',
  what_to_do: `Wait a minute. ${start_again}`,
}

export const unwelcome: Readonly<Record<Unwelcome, Message>> = {
  no_org: {
    title: 'Your account has no access here',
    what_happened:
      'You signed in, but your account belongs to no organization that may use this service.',
    what_to_do:
      'Ask your administrator to add you to an organization, or sign in with another account.',
  },
  no_email: {
    title: 'Your account has no usable email address',
    what_happened:
      'You signed in, but the company sign-in did not tell this gateway your email address.',
    what_to_do:
      'Ask your administrator to let the company sign-in share your email address with this service.',
  },
  email_not_verified: {
    title: 'Your email address is not verified',
    what_happened: 'You signed in, but the company sign-in does not vouch for your email address.',
    what_to_do: 'Verify your email address with the company sign-in, then connect again.',
  },
  too_many_roles: {
    title: 'Your account has too many roles',
    what_happened:
      'You signed in, but the company sign-in sent more roles or groups than this gateway can pass on.',
    what_to_do: 'Ask your administrator to send only the roles that matter here.',
  },
  claims_left_out: {
    title: 'Your account is in too many groups',
    what_happened:
      'You signed in, but the company sign-in left out the list of your groups because it is too long, so this gateway cannot tell what you may do.',
    what_to_do:
      'Ask your administrator to give you an app role for this service, or to send only the groups that are assigned to it.',
  },
}
