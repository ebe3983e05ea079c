import type { z } from 'zod'

/** Zod's issues as lines, one for each unknown field, the place as in `services[0].name`. */
export function describeIssues(issues: readonly z.core.$ZodIssue[]): string[] {
  return issues.flatMap(issue => {
    const unknown = unknownFields(issue)
    if (!unknown) return [`${place(issue.path) || 'the file'}: ${issue.message}`]
    return unknown.map(
      key => `${place([...issue.path, key])}: the local gateway knows no such field`,
    )
  })
}

/** Also when the issue was found by a nested schema and passed on as one of our own. */
function unknownFields(issue: z.core.$ZodIssue): readonly string[] | undefined {
  return 'keys' in issue && Array.isArray(issue.keys) ? issue.keys : undefined
}

function place(path: readonly PropertyKey[]): string {
  return path.reduce<string>((joined, part) => {
    if (typeof part === 'number') return `${joined}[${part}]`
    return joined === '' ? String(part) : `${joined}.${String(part)}`
  }, '')
}
