import type { MessagePage } from '../../pages/pages.ts'

type Message = Pick<MessagePage, 'title' | 'what_happened' | 'what_to_do'>

export const decision_refused: Message = {
  title: 'The decision could not be accepted',
  what_happened:
    'You were asked on a page outside this gateway, and what came back from there did not hold: it was changed, was used before, took too long or belongs to another request. Nothing was connected.',
  what_to_do:
    'Go back to your AI application and connect again. If it happens again, tell your administrator what the small print says.',
}

export const consent_unreachable: Message = {
  title: 'You cannot be asked right now',
  what_happened:
    'The service that asks for your decision could not be reached, and without it nothing is connected.',
  what_to_do:
    'Wait a minute and reload this page. If that does not help, go back to your AI application and connect again.',
}
