import { adaptPdk, type StockKong } from '../../plugins/mcp-oidc/kong-pdk/adapt-pdk.ts'

export const Name = 'echo'
export const Version = '1.2.3'
export const Priority = 1
export const Schema = []

/** Answers with what it was told, so that a test sees what an adapted PDK does to values. */
export class Plugin {
  async access(stock: StockKong): Promise<void> {
    const kong = adaptPdk(stock)
    const { content } = (await kong.request.getRawBody()) as { content: Uint8Array }
    const told = {
      missing: (await kong.request.getHeader('x-missing')) === undefined,
      empty: (await kong.request.getHeader('x-empty')) === undefined,
      header: (await kong.request.getHeader('x-list')) ?? null,
      headers: await kong.request.getHeaders(1000),
      request: [
        await kong.request.getMethod(),
        await kong.request.getPath(),
        await kong.request.getPathWithQuery(),
        await kong.request.getRawQuery(),
        await kong.request.getScheme(),
        await kong.request.getHost(),
        await kong.request.getPort(),
        await kong.request.getForwardedScheme(),
        await kong.request.getForwardedHost(),
        await kong.request.getForwardedPort(),
      ],
      client: [await kong.client.getIp(), await kong.client.getForwardedIp()],
      node: await kong.node.getId(),
      at_once: await Promise.all([
        kong.client.getIp(),
        kong.request.getMethod(),
        kong.log.info('between').then(() => null),
        kong.request.getForwardedPort(),
      ]),
    }
    await kong.response.setHeader('x-one', '1')
    await kong.response.setHeaders({ 'x-two': ['1', '2'] })
    await kong.service.request.setHeader('x-user-id', 'usr_1')
    await kong.service.request.clearHeader('cookie')
    await kong.ctx.shared.set('told', told)
    await kong.log.warn('told', 1)
    if (content.length === 0) return kong.response.exit(204)
    await kong.response.exit(200, content, {
      'x-shared': JSON.stringify(await kong.ctx.shared.get('told')),
      'set-cookie': ['a=1; Path=/', 'b=2'],
    })
  }
}
