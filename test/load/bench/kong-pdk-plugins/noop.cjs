'use strict'

// The same plugin for kong-pdk's own server; sizes as in noop-headers.ts.
const headers = {
  Authorization: `Bearer ${'a'.repeat(640)}`,
  'X-User-Id': `usr_${'u'.repeat(32)}`,
  'X-Org-Id': 'acme',
  'X-User-Email': 'alice@acme.example',
  'X-Client-Id': 'c'.repeat(36),
}

class Noop {
  async access(kong) {
    await kong.request.getHeader('authorization')
    await kong.service.request.setHeaders(headers)
  }
}

module.exports = { Plugin: Noop, Schema: [], Version: '1.0.0', Priority: 1 }
