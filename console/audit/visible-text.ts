/**
 * Text from elsewhere as a reader of the trail has to see it: what is invisible, turns the direction of
 * writing or has no shape is written as its code, `\u{202e}`, so that two texts that differ look
 * different. Escaping for HTML is the template's.
 */
export function visibleText(text: string): string {
  return text.replace(
    /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/gu,
    character => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  )
}
