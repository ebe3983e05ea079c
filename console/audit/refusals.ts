import type { Message } from '../pages/messages.ts'

const link = { href: '/console/audit', text: 'Back to the audit trail' }

/** What is said in place of the trail. */
export const refusals = {
  too_many_searches: {
    title: 'One search at a time',
    what_happened:
      'You, or many people at once, search the audit trail already. Nothing was searched, so that the console stays quick for everybody.',
    what_to_do: 'Wait until the pages that you have opened are there, then try again.',
    link,
  },
  too_many_exports: {
    title: 'This export was not started',
    what_happened:
      'Two of your exports, or several of other people, are running. More at once would slow the gateway down.',
    what_to_do: 'Wait until one is complete, then start this one again.',
    link,
  },
  took_too_long: {
    title: 'The export took too long to begin',
    what_happened: 'The database did not find the first events in time. Nothing was exported.',
    what_to_do: 'Choose a shorter time, or name a person, a tool or an app, and export again.',
    link,
  },
} as const satisfies Readonly<Record<string, Message>>
