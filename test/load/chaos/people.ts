import { type SignedIn, signInAs } from '../access-token.ts'

/** Users, with tokens that are fresh enough for a fault. */
export interface People {
  readonly all: readonly SignedIn[]
  /** Tools that signing in has called so far, for each of them. */
  readonly calls: number
  /** Signs everybody in again when the tokens get old. */
  refresh(): Promise<void>
}

/** Milliseconds; a token lives for ten minutes. */
const old = 240_000

export async function signInPeople(url: string, emails: readonly string[]): Promise<People> {
  const signIn = () => Promise.all(emails.map(email => signInAs(url, email)))
  let all = await signIn()
  let since = performance.now()
  let calls = 1
  return {
    get all() {
      return all
    },
    get calls() {
      return calls
    },
    async refresh() {
      if (performance.now() - since < old) return
      all = await signIn()
      since = performance.now()
      calls += 1
    },
  }
}
