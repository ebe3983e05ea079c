import { rootCertificates } from 'node:tls'
import { describe, expect, it } from '@jest/globals'
import { documentHostProblems } from '../../../../../plugins/mcp-oidc/config/document-host-rules.ts'

const none = {
  cimd_allowed_hosts: [],
  cimd_denied_hosts: [],
  cimd_private_hosts: [],
  cimd_ca_certificates: undefined,
}
const [one = '', two = ''] = rootCertificates
const problemsOf = (changes: object) => documentHostProblems({ ...none, ...changes })

describe('R02 the hosts of client metadata documents', () => {
  it.each([
    ['nothing', {}],
    ['hosts', { cimd_allowed_hosts: ['claude.ai', 'xn--bcher-kva.example'] }],
    ['all hosts below one', { cimd_denied_hosts: ['*.example.com'] }],
    ['hosts of our own network', { cimd_private_hosts: ['apps.corp.example:8443', '10.0.0.7'] }],
    ['an address of IPv6', { cimd_private_hosts: ['[fd00::7]:8443'] }],
    ['an authority of our own', { cimd_ca_certificates: one }],
    ['two of them, with words between', { cimd_ca_certificates: `# ours\n${one}\n\n${two}\n` }],
  ])('may be %s', (_name, changes) => {
    expect(problemsOf(changes)).toEqual([])
  })

  it.each(['cimd_allowed_hosts', 'cimd_denied_hosts', 'cimd_private_hosts'])(
    'O05 of %s are refused when they would never match',
    setting => {
      const wrong = [
        'Claude.ai',
        'https://claude.ai',
        'claude.ai/client.json',
        'user@claude.ai',
        'bücher.example',
        'claude.ai:443',
        'claude ai',
        '127.1',
        '*',
        '*.*.example',
        'a.*.example',
        '',
      ]
      // A port that is not the usual one is for our own network alone, and a star for the others.
      const here = setting === 'cimd_private_hosts' ? ['*.example.com'] : ['claude.ai:8443']
      const given = [...wrong, ...here]
      expect(problemsOf({ [setting]: ['good.example', ...given] })).toEqual(
        given.map((entry, index) =>
          expect.stringContaining(`${setting}.[${index + 1}]: "${entry}"`),
        ),
      )
    },
  )

  it.each([
    ['no certificate', 'hello'],
    ['half of one', one.slice(0, 200)],
    [
      'a good one and a bad one',
      `${one}\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----`,
    ],
    ['a key', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----'],
  ])('O05 are refused with an authority that is %s', (_name, cimd_ca_certificates) => {
    expect(problemsOf({ cimd_ca_certificates })).toEqual([
      expect.stringContaining('cimd_ca_certificates: must be'),
    ])
  })

  it('O05 are all told of at once', () => {
    const problems = problemsOf({
      cimd_allowed_hosts: ['A'],
      cimd_denied_hosts: ['b:1'],
      cimd_private_hosts: ['*.c'],
      cimd_ca_certificates: 'd',
    })
    expect(problems).toHaveLength(4)
  })
})
