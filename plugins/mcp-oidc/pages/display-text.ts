const name_limit = 60
const host_limit = 253
const text_limit = 600
/** More than this is not even looked at. */
const input_limit = 4000

/** A name shown on a page, 60 characters at most; what the limit cut off ends in an ellipsis. */
export function displayName(name: string): string {
  return cutEnd(plain(name.slice(0, input_limit)), name_limit) || 'An app without a name'
}

/**
 * A host or address, 253 characters at most. What is too long loses its *beginning*: the end of a
 * host says who owns it, and `accounts.example.com.….evil.example` must not end at the dots.
 */
export function displayHost(host: string): string {
  const characters = Array.from(plain(host.slice(-input_limit)))
  if (characters.length <= host_limit) return characters.join('')
  return `…${characters.slice(-host_limit + 1).join('')}`
}

/** Running text from elsewhere (an identity provider's error, a scope's description), 600 characters at most. */
export function displayText(text: string): string {
  return cutEnd(plain(text.slice(0, input_limit)), text_limit)
}

/**
 * Text without what makes a page lie about it: control characters, bidirectional controls and
 * marks, everything that is invisible by default (zero-width characters, fillers, tags), private
 * use and broken surrogates; white space of any kind becomes one space, and stacks of combining
 * marks are cut to three. Escaping for HTML is the template's.
 */
function plain(text: string): string {
  return text
    .replace(/[\p{White_Space}\p{Cc}]+/gu, ' ')
    .replace(
      /[\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Bidi_Control}\p{Default_Ignorable_Code_Point}\u2800]/gu,
      '',
    )
    .normalize('NFC')
    .replace(/(\p{M}{3})\p{M}+/gu, '$1')
    .replace(/ +/g, ' ')
    .trim()
}

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** Cuts at a character as people see it, never inside one. */
function cutEnd(text: string, limit: number): string {
  const characters = Array.from(segmenter.segment(text), ({ segment }) => segment)
  if (characters.length <= limit) return text
  return `${characters
    .slice(0, limit - 1)
    .join('')
    .trimEnd()}…`
}
