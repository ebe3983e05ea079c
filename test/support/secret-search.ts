/** Something that must be read by nobody but those it is meant for. Bytes have no clear text. */
export interface Secret {
  readonly name: string
  readonly value: string | Uint8Array
}

export interface Leak {
  readonly secret: string
  /** How it was written: `clear`, `base64` and so on. */
  readonly form: string
  /** What stands around it, without the secret itself. */
  readonly near: string
}

interface Form {
  readonly form: string
  readonly text: string
  /** Hexadecimal digits and percent escapes come in either case. */
  readonly any_case?: boolean
}

/** Shorter ones would be found everywhere. */
const least = 12

/**
 * Looks for secrets in a text: as they are, escaped once or twice as JSON does, as URLs do, in
 * hexadecimal, and in base64 and base64url, also in the middle of something longer that was encoded.
 * Throws TypeError for a secret that is too short to look for.
 */
export function findSecrets(text: string, secrets: readonly Secret[]): readonly Leak[] {
  const lower = text.toLowerCase()
  return secrets.flatMap(({ name, value }) => {
    if (value.length < least) throw new TypeError(`${name} is too short to look for`)
    const found = formsOf(value).find(form =>
      form.any_case ? lower.includes(form.text.toLowerCase()) : text.includes(form.text),
    )
    if (!found) return []
    const at = found.any_case ? lower.indexOf(found.text.toLowerCase()) : text.indexOf(found.text)
    const near = `${text.slice(Math.max(0, at - 80), at)}…${text.slice(at + found.text.length, at + found.text.length + 20)}`
    return [{ secret: name, form: found.form, near }]
  })
}

function formsOf(value: string | Uint8Array): readonly Form[] {
  const bytes = Buffer.from(value)
  const encoded: Form[] = [
    { form: 'hex', text: bytes.toString('hex'), any_case: true },
    ...[0, 1, 2].flatMap(offset => [
      { form: 'base64', text: insideBase64(bytes, offset, 'base64') },
      { form: 'base64url', text: insideBase64(bytes, offset, 'base64url') },
    ]),
  ]
  if (typeof value !== 'string') return encoded
  const escaped = JSON.stringify(value).slice(1, -1)
  return [
    { form: 'clear', text: value },
    { form: 'JSON', text: escaped },
    { form: 'JSON', text: escaped.replaceAll('/', '\\/') },
    { form: 'JSON', text: JSON.stringify(escaped).slice(1, -1) },
    { form: 'URL', text: encodeURIComponent(value), any_case: true },
    { form: 'URL', text: new URLSearchParams([['', value]]).toString().slice(1), any_case: true },
    ...encoded,
  ]
}

/**
 * What bytes look like in the base64 of something longer that they stand in, `offset` bytes after a
 * multiple of three: the characters that depend on nothing around them.
 */
function insideBase64(bytes: Buffer, offset: number, encoding: 'base64' | 'base64url'): string {
  const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString(encoding)
  return text.slice(Math.ceil((offset * 8) / 6), Math.floor(((offset + bytes.length) * 8) / 6))
}
