import { z } from 'zod'

const Position = z.tuple([z.string().max(200), z.string().max(200)])

/** Where a page of companies ended. It holds no right: the next page is filtered by org again. */
export interface PagePosition {
  readonly name: string
  readonly id: string
}

export function writeCursor({ name, id }: PagePosition): string {
  return Buffer.from(JSON.stringify([name, id])).toString('base64url')
}

/** A schema that reads what `writeCursor` wrote. */
export const cursor = z
  .string()
  .max(1_000)
  .transform((text, context): PagePosition => {
    const { data } = Position.safeParse(parse(text))
    if (data === undefined || data.some(part => part.includes('\0'))) {
      context.addIssue('is not a next_cursor of an earlier answer; leave it out to start again')
      return z.NEVER
    }
    return { name: data[0], id: data[1] }
  })

function parse(text: string): unknown {
  try {
    return JSON.parse(Buffer.from(text, 'base64url').toString())
  } catch {
    return undefined // no position, which is what the caller then says
  }
}
