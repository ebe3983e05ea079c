import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { placeConfig, placesFrom } from '../../../../gateway/kong/places.ts'
import { kong_yml } from '../../../support/kong-yml.ts'

const text = readFileSync(kong_yml, 'utf8')
const read = (yaml: string) =>
  parse(yaml, { merge: true }) as { services: { name: string; url: string }[] }

describe('the places of the parts', () => {
  it('O01 are put into config/kong.yml, and nothing else changes', () => {
    const places = placesFrom({
      MCP_SERVER_URL: 'http://mcp-server.upstream:3000',
      CONSOLE_URL: 'http://console.pages:3001',
    })
    const placed = placeConfig(text, places)
    expect(placed.missing).toEqual([])
    const expected = read(text)
    for (const service of expected.services)
      service.url = service.url
        .replace('127.0.0.1:3000', 'mcp-server.upstream:3000')
        .replace('127.0.0.1:3001', 'console.pages:3001')
    expect(read(placed.text)).toEqual(expected)
    expect(read(placed.text).services.map(({ url }) => url)).toEqual([
      'http://mcp-server.upstream:3000',
      'http://console.pages:3001',
    ])
  })

  it('are left alone where the file has an address of its own, and that is told', () => {
    const own = text.replace('url: http://127.0.0.1:3000', 'url: https://tools.acme.example')
    const { text: placed, missing } = placeConfig(own, { mcp_server: 'http://mcp-server:3000' })
    expect(missing).toEqual(['http://127.0.0.1:3000'])
    expect(read(placed).services[0]?.url).toBe('https://tools.acme.example')
  })

  it('are origins', () => {
    expect(placesFrom({})).toEqual({})
    expect(placesFrom({ MCP_SERVER_URL: '' })).toEqual({})
    expect(() => placesFrom({ CONSOLE_URL: 'http://console:3001/' })).toThrow(
      'CONSOLE_URL is "http://console:3001/", and should be an origin',
    )
  })
})
