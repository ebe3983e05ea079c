import { interactionPolicy } from 'oidc-provider'

const { Check, Prompt } = interactionPolicy

/**
 * One interaction that is always due until this very request was signed in and consented to: a
 * browser session never replaces the identity provider, and consent is never implied. The other
 * two exist so that clients may ask for them by `prompt`; the one interaction satisfies them all.
 */
export function everyConnectionSignsIn(): interactionPolicy.Prompt[] {
  const due = new Check(
    'sign_in_and_consent',
    'the user must sign in and consent',
    'interaction_required',
    ctx => {
      const result = ctx.oidc.result
      return !(result?.login && result.consent?.grantId)
    },
  )
  return [
    new Prompt({ name: 'login', requestable: true }, due),
    new Prompt({ name: 'consent', requestable: true }),
    new Prompt({ name: 'select_account', requestable: true }),
  ]
}
