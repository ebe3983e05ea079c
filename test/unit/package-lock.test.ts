import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'

interface Package {
  readonly version?: string
  readonly resolved?: string
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const lock = JSON.parse(
  readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'),
) as { readonly packages: Readonly<Record<string, Package>> }
const packages = Object.entries(lock.packages)
const names = new Set(packages.map(([path]) => path.split('node_modules/').at(-1)))

describe('package-lock.json', () => {
  it('holds the packages of every platform: npm ci refuses one that does not', () => {
    const missing = packages.flatMap(([path, { optionalDependencies = {} }]) =>
      Object.entries(optionalDependencies)
        .filter(([name]) => !names.has(name))
        .map(([name, version]) => `${path} wants ${name}@${version}`),
    )
    expect(missing).toEqual([])
  })

  it('names no registry', () => {
    expect(packages.filter(([, { resolved }]) => resolved !== undefined)).toEqual([])
  })
})
