import { displayName } from './display-text.ts'

export interface ProviderButton {
  readonly id: string
  readonly name: string
  /** One letter in a coloured square: we draw no company's logo. */
  readonly mark: string
  readonly tint: number
}

const tints = 6

/** How the page shows an identity provider; `index` is its place in the configuration. */
export function providerButton(
  { id, name }: { readonly id: string; readonly name: string },
  index: number,
): ProviderButton {
  const shown = displayName(name)
  const [mark = '?'] = /[\p{L}\p{N}]/u.exec(shown) ?? []
  return { id, name: shown, mark: mark.toUpperCase().slice(0, 1), tint: index % tints }
}
