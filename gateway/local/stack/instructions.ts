import type { Stack } from './stack.ts'

/** How to use what runs now. */
export function endpointInstructions(url: string): string {
  const endpoint = `${url}/mcp`
  const json = (key: string, entry: object) =>
    JSON.stringify({ [key]: { acme: entry } }, null, 2).replace(/^/gm, '    ')
  return `
The MCP endpoint is ${endpoint}
The console is      ${url}/console
Sign in as alice@acme.example, bob@acme.example, carol@globex.example or erin@acme.example; the password is “password”.

  Claude Code
    claude mcp add --transport http acme ${endpoint}

  VS Code, .vscode/mcp.json
${json('servers', { type: 'http', url: endpoint })}

  Cursor, .cursor/mcp.json
${json('mcpServers', { url: endpoint })}
`
}

/** How to put a Kong in the local gateway's place. */
export function kongInstructions({ url, config_file, environment_file }: Stack): string {
  return `
Everything but the gateway is up. A Kong takes its place at ${url} with
  environment     ${environment_file}   (NAME=value lines; they hold secrets)
  configuration   ${config_file}

  docker run --network host --env-file ${environment_file} …
  or in a shell:  while IFS= read -r line; do export "$line"; done < ${environment_file}

Then:  npm run demo -- --url ${url}
`
}
