import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals'
import { readLimits } from '../../../console/organization/limits.ts'
import { duration } from '../../../console/pages/words.ts'
import { kong_yml, settingsOf } from '../../support/kong-yml.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'console-limits-'))
})
afterEach(() => rm(folder, { recursive: true }))

const read = async (text: string) => {
  const file = join(folder, 'kong.yml')
  await writeFile(file, text)
  return readLimits(file)
}

describe('the limits that the console shows', () => {
  it('C01 are those of the file that is shipped', async () => {
    const limits = await readLimits(kong_yml)
    const { minute, hour } = settingsOf('mcp', 'org-rate-limiting')
    expect(limits.filter(({ of }) => of === 'The whole organization')).toEqual([
      { of: 'The whole organization', requests: minute, per: 'minute' },
      { of: 'The whole organization', requests: hour, per: 'hour' },
    ])
  })

  it('C01 leave out other routes, other plugins and what is switched off', async () => {
    const plugins = '[{name: cors}, {name: rate-limiting, enabled: false, config: {minute: 1}}]'
    expect(
      await read(
        `services: [{routes: [{name: mcp, plugins: ${plugins}}, {name: x, plugins: [{name: rate-limiting, config: {minute: 9}}]}]}]`,
      ),
    ).toEqual([])
    expect(await read('_format_version: "3.0"')).toEqual([])
  })

  it.each(['services: 1', 'a: [', 'services: [{routes: [{plugins: [{}]}]}]'])(
    'C01 are not guessed from %j',
    async text => {
      await expect(read(text)).rejects.toThrow()
    },
  )
})

describe('a length of time', () => {
  it.each([
    [2_592_000, '30 days'],
    [43_200, '12 hours'],
    [5_400, '1 hour 30 minutes'],
    [90_061, '1 day 1 hour 1 minute 1 second'],
    [0, 'none'],
  ])('of %d seconds is %s', (seconds, words) => {
    expect(duration(seconds)).toBe(words)
  })
})
