/** Who may import whom: the picture is in docs/architecture.md. */
const only = (name, from, to, comment) => ({ name, comment, severity: 'error', from, to })

module.exports = {
  forbidden: [
    only('no-cycles', {}, { circular: true }, 'A cycle means two files are one.'),
    only(
      'storage-is-a-leaf',
      { path: '^storage/' },
      { path: '^(gateway|plugins|mcp-server|console|test)/' },
      'storage imports nothing of ours.',
    ),
    only(
      'plugin-server-knows-no-plugin',
      { path: '^gateway/plugin-server/' },
      { path: '^(plugins|storage|mcp-server|console|test|gateway/local)/' },
      'The plugin server is handed a plugin module.',
    ),
    only(
      'plugins-stand-on-storage-and-the-pdk',
      { path: '^plugins/' },
      { path: '^(mcp-server|console|test|gateway/local)/' },
      'A plugin sees storage and the types of the PDK.',
    ),
    only(
      'plugins-see-only-the-pdk-types',
      { path: '^plugins/' },
      { path: '^gateway/plugin-server/(?!pdk[.]ts$)' },
      'Of the plugin server a plugin may see the PDK types only.',
    ),
    only(
      'mcp-server-trusts-only-signed-identities',
      { path: '^mcp-server/' },
      { path: '^(gateway|plugins|console|test)/' },
      'The MCP server shares no code with the gateway, only the JWKS.',
    ),
    only(
      'identity-is-reusable',
      { path: '^mcp-server/identity/' },
      { path: '^(storage|mcp-server/(?!identity/))' },
      'A company copies this folder in front of its own MCP server.',
    ),
    only(
      'console-trusts-only-storage',
      { path: '^console/' },
      { path: '^(gateway|plugins|test)/' },
      'The console is a client of the gateway like any other.',
    ),
    only(
      'console-borrows-the-plain-parts-of-a-server',
      { path: '^console/' },
      {
        path: '^mcp-server/(?!(keep-alive|metrics-server|readiness|request-id|run-program|stop-server)[.]ts$)',
      },
      'Logs, metrics and readiness are the same for every server; nothing else is shared.',
    ),
    only(
      'nobody-needs-deploy',
      { path: '^(gateway|plugins|mcp-server|storage|console)/' },
      { path: '^deploy/' },
      'deploy puts the parts together; no part knows of it.',
    ),
    only(
      'tests-are-not-shipped',
      { path: '^(gateway|plugins|mcp-server|storage|console|deploy)/' },
      { path: '^test/' },
      'Production code does not import tests.',
    ),
    only(
      'declared',
      {},
      { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
      'Declare every package in package.json.',
    ),
    only(
      'no-dev-packages',
      { path: '^(gateway|plugins|mcp-server|storage|console)/' },
      { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
      'Production code runs without development packages.',
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default'],
    },
  },
}
