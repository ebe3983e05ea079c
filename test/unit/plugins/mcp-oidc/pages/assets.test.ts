import { createHash } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { asset_paths, assets } from '../../../../../plugins/mcp-oidc/pages/assets.ts'

describe('assets', () => {
  it('are named after the digest of their content', () => {
    expect(assets.size).toBe(2)
    for (const [name, { body }] of assets) {
      const digest = createHash('sha256').update(body).digest('hex')
      expect(digest).toContain(/^[a-z]+\.([0-9a-f]{16})\.(?:css|svg)$/.exec(name)?.[1])
    }
  })

  it('are found where the pages look for them', () => {
    const found = (path: string) => assets.get(path.replace('/assets/', ''))
    expect(found(asset_paths['site.css'])?.content_type).toBe('text/css; charset=utf-8')
    expect(found(asset_paths['mark.svg'])?.content_type).toBe('image/svg+xml')
  })

  it('load nothing else and run nothing', () => {
    for (const { body } of assets.values()) {
      const text = body.toString().replace('http://www.w3.org/2000/svg', '')
      expect(text).not.toMatch(/url\(|@import|https?:|<script|<style|\son[a-z]+=|href/i)
    }
  })
})

/** WCAG 2.2's contrast of two `#rrggbb` colours. */
function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (light + 0.05) / (dark + 0.05)
}

function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5]
    .map(at => parseInt(colour.slice(at, at + 2), 16) / 255)
    .map(c => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

describe('contrast', () => {
  const css = [...assets.values()].map(({ body }) => body.toString()).join('')
  const palettes = [...css.matchAll(/:root \{([^}]*)\}/g)].map(
    ([, block = '']) =>
      new Map([...block.matchAll(/--([a-z-]+): (#[0-9a-f]{6})/g)].map(m => [m[1], m[2]])),
  )
  const text = ['text', 'text-soft', 'accent'].flatMap(colour =>
    ['page', 'surface', 'surface-sunken'].map(ground => [colour, ground, 4.5] as const),
  )
  const pairs = [
    ...text,
    ['good', 'good-surface', 4.5],
    ['caution', 'caution-surface', 4.5],
    ['danger', 'surface', 4.5],
    ['danger', 'danger-surface', 4.5],
    ['on-accent', 'accent', 4.5],
    ['on-accent', 'accent-hover', 4.5],
    ['line-strong', 'surface', 3],
    ['line-strong', 'surface-sunken', 3],
    ['focus', 'surface', 3],
    ['focus', 'page', 3],
  ] as const

  it.each(pairs)('of %s on %s is at least %d:1 by day and by night', (colour, ground, least) => {
    expect(palettes).toHaveLength(2)
    for (const palette of palettes)
      expect(contrast(palette.get(colour) ?? '', palette.get(ground) ?? '')).toBeGreaterThanOrEqual(
        least,
      )
  })
})
