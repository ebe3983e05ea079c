import type { Field, Fields } from './kong-schema.ts'

/** docs/settings.md, made from the schema: one table of the settings, one of each nested record. */
export function settingsReference(fields: Fields): string {
  const tables = [table('The plugin', fields), ...nested(fields)]
  return `# Settings of mcp-oidc

Made from plugins/mcp-oidc/schema.ts by \`npm run docs:settings\`. They stand in config/kong.yml, under the anchor
\`mcp-oidc\`, and a plugin configuration that is wrong is refused with every problem at once. "vault" means that the value
may be a \`{vault://env/name-of-it}\` reference, which Kong replaces by its environment variable NAME_OF_IT.

${tables.join('\n\n')}
`
}

function nested(fields: Fields): readonly string[] {
  return Object.entries(fields).flatMap(([name, field]) => {
    if (field.type !== 'array' || field.elements.type !== 'record') return []
    return [table(`Each of \`${name}\``, field.elements.fields)]
  })
}

function table(title: string, fields: Fields): string {
  const rows = Object.entries(fields).map(
    ([name, field]) =>
      `| \`${name}\` | ${typeOf(field)} | ${fallback(field)} | ${field.description ?? ''} |`,
  )
  return [
    `## ${title}`,
    '',
    '| setting | type | default | what it is |',
    '| --- | --- | --- | --- |',
    ...rows,
  ].join('\n')
}

function typeOf(field: Field): string {
  const vault = 'referenceable' in field && field.referenceable ? ', vault' : ''
  if (field.type === 'array')
    return `list of ${field.elements.type === 'record' ? 'records' : `${field.elements.type}s`}`
  if (field.type === 'string' && field.one_of)
    return field.one_of.map(value => `\`${value}\``).join(' or ')
  if (field.type === 'integer' && field.between) return `integer, ${field.between.join(' to ')}`
  return `${field.type}${vault}`
}

function fallback(field: Field): string {
  if (field.required) return '**required**'
  return 'default' in field ? `\`${JSON.stringify(field.default)}\`` : '—'
}
