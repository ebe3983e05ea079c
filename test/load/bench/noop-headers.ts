/** Of the sizes that an admitted request's have, and never changed, as those are. */
export const noop_headers = Object.freeze({
  Authorization: `Bearer ${'a'.repeat(640)}`,
  'X-User-Id': `usr_${'u'.repeat(32)}`,
  'X-Org-Id': 'acme',
  'X-User-Email': 'alice@acme.example',
  'X-Client-Id': 'c'.repeat(36),
})
