import { preset_names, presets, type PresetSettings } from './config/idp-presets.ts'
import type { Field, Fields } from './kong-schema.ts'

/** docs/settings.md, made from the schema: one table of the settings, one of each nested record. */
export function settingsReference(fields: Fields): string {
  const tables = [table('The plugin', fields), ...nested(fields), presetsTable()]
  return `# Settings of mcp-oidc

Made from plugins/mcp-oidc/schema.ts by \`npm run docs:settings\`. They stand in config/kong.yml, under the anchor
\`mcp-oidc\`, and a plugin configuration that is wrong is refused with every problem at once. "vault" means that the value
may be a \`{vault://env/name-of-it}\` reference, which Kong replaces by its environment variable NAME_OF_IT.

${tables.join('\n\n')}
`
}

function nested(fields: Fields): readonly string[] {
  return Object.entries(fields).flatMap(([name, field]) => {
    if (field.type === 'record')
      return [table(`Members of \`${name}\``, field.fields), ...nested(field.fields)]
    if (field.type !== 'array' || field.elements.type !== 'record') return []
    return [table(`Each of \`${name}\``, field.elements.fields), ...nested(field.elements.fields)]
  })
}

/** What holds for an identity provider whose record leaves a setting to its preset. */
function presetsTable(): string {
  const settings = [
    'scopes',
    'authorization_parameters',
    'org_claim',
    'roles_claim',
    'trust_email',
    'userinfo',
  ] as const satisfies readonly (keyof PresetSettings)[]
  const shown = (value: unknown) => (value === undefined ? 'none' : `\`${JSON.stringify(value)}\``)
  const rows = preset_names.map(name => {
    const { authorization_parameters, ...preset } = presets[name]
    const pairs = authorization_parameters.map(one => `${one.name}=${one.value}`)
    const values = { ...preset, authorization_parameters: pairs }
    return `| \`${name}\` | ${settings.map(setting => shown(values[setting])).join(' | ')} |`
  })
  return [
    '## What each `preset` of an identity provider says',
    '',
    `| preset | ${settings.map(setting => `\`${setting}\``).join(' | ')} |`,
    `| --- |${' --- |'.repeat(settings.length)}`,
    ...rows,
  ].join('\n')
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
  if (field.default_by !== undefined) return `by \`${field.default_by}\``
  return 'default' in field ? `\`${JSON.stringify(field.default)}\`` : '—'
}
