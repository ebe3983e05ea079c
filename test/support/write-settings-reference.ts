import { writeFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import { fields } from '../../plugins/mcp-oidc/schema.ts'
import { settingsReference } from '../../plugins/mcp-oidc/settings-reference.ts'

/** What docs/settings.md holds, in the project's format. */
export async function formattedReference(): Promise<string> {
  const file = new URL('../../docs/settings.md', import.meta.url).pathname
  return format(settingsReference(fields), { ...(await resolveConfig(file)), filepath: file })
}

// `npm run docs:settings` writes the file; a test compares it.
if (process.argv[1] === import.meta.filename) {
  writeFileSync(new URL('../../docs/settings.md', import.meta.url), await formattedReference())
}
