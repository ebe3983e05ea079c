/** What Kong writes its own errors in. `none`: for gRPC, where the message is a header. */
export type ErrorFormat = 'json' | 'html' | 'plain' | 'xml' | 'none'

/** Kong's MIME_TYPES. */
const FORMATS: Readonly<Record<string, ErrorFormat>> = {
  'application/grpc': 'none',
  'text/html': 'html',
  'application/json': 'json',
  'text/plain': 'plain',
  'application/xml': 'xml',
  'application/*': 'json',
  'text/*': 'plain',
}

const TOKEN = String.raw`[a-z0-9][a-z0-9\-!#$&^_+.]+`
const MEDIA_TYPE = new RegExp(String.raw`^(?:${TOKEN}|\*)/(?:${TOKEN}|\*)`, 'i')
const PARAMETER = new RegExp(
  String.raw`\s*;\s*(?:q=(1(?:\.0{0,3})?|0(?:\.\d{0,3})?)|${TOKEN}(?:=[^;]*)?)`,
  'iy',
)

/**
 * What an Accept header asks for, as Kong reads it (3.9.3, kong/tools/http.lua,
 * `get_response_type`): the first of the highest quality, and JSON when that is none it knows, `*`
 * or spelled with capitals.
 */
export function acceptedFormat(accept = ''): ErrorFormat {
  let format: ErrorFormat = 'json'
  let highest = 0
  for (const value of accept.split(',')) {
    const entry = value.trim()
    const [media_type] = MEDIA_TYPE.exec(entry) ?? []
    if (media_type === undefined) continue
    const quality = qualityAfter(entry, media_type.length)
    if (quality <= highest) continue
    highest = quality
    format = FORMATS[media_type] ?? 'json'
  }
  return format
}

/** The last `q` of the parameters, as far as these can be read. */
function qualityAfter(entry: string, start: number): number {
  let quality = 1
  PARAMETER.lastIndex = start
  for (let match = PARAMETER.exec(entry); match; match = PARAMETER.exec(entry)) {
    if (match[1] !== undefined) quality = Number(match[1])
  }
  return quality
}
