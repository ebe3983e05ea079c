import type { RpcError } from './record-refusal.ts'

/** A JSON-RPC error without a request to answer, for the answers the SDK does not give. */
export const rpcError = (error: RpcError) => ({ jsonrpc: '2.0', error, id: null }) as const

/** The error in a JSON answer; undefined for a result, a stream or an empty answer. */
export async function errorOf(response: Response): Promise<RpcError | undefined> {
  if (!(response.headers.get('content-type') ?? '').startsWith('application/json')) return undefined
  const body: unknown = await response.clone().json()
  if (typeof body !== 'object' || body === null || !('error' in body)) return undefined
  const { error } = body
  if (typeof error !== 'object' || error === null) return undefined
  const { code, message } = error as Partial<RpcError>
  return { code: code ?? 0, message: message ?? '' }
}
