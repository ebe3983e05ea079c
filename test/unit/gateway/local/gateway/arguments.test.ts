import { describe, expect, it } from '@jest/globals'
import { readArguments } from '../../../../../gateway/local/gateway/arguments.ts'

const socket = ['--socket', '/run/plugin.sock']

describe('the arguments of the local gateway', () => {
  it('have defaults, all but the socket', () => {
    expect(readArguments(socket)).toEqual({
      config_file: 'config/kong.yml',
      plugin_server_socket: '/run/plugin.sock',
      port: 8000,
      status_port: 8100,
      tls: undefined,
    })
  })

  it('ask for TLS', () => {
    const given = ['--tls-port', '8443', '--certificate', 'c.pem', '--key', 'k.pem']
    expect(readArguments([...socket, ...given])).toMatchObject({
      tls: { port: 8443, certificate: 'c.pem', key: 'k.pem' },
    })
  })

  it.each([
    [[], ['--socket is missing']],
    [
      ['--port', 'many', '--status-port', '70000', '--tls-port', '65536'],
      [
        '--socket is missing',
        '--port is no port, which is 0 to 65535',
        '--status-port is no port, which is 0 to 65535',
        '--tls-port needs a --certificate',
        '--tls-port needs a --key',
        '--tls-port is no port, which is 0 to 65535',
      ],
    ],
    [
      [...socket, '--certificate', 'c', '--key', 'k'],
      ['--certificate needs a --tls-port', '--key needs a --tls-port'],
    ],
  ])('O05 %j are refused with every reason', (given, problems) => {
    expect(readArguments(given)).toEqual({ problems })
  })
})
