import js from '@eslint/js'
import tseslint from 'typescript-eslint'

const entryPoints = [
  '**/main.ts',
  'plugins/*/index.ts',
  'test/**',
  'gateway/local/**',
  'gateway/kong/place-config.ts',
]

export default tseslint.config(
  { ignores: ['node_modules/', '.data/', '**/*.cjs'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        projectService: { allowDefaultProject: ['*.js'] },
        tsconfigRootDir: import.meta.dirname,
      },
    },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': 'off',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      'no-console': 'error',
    },
  },
  {
    files: [
      'gateway/**/*.ts',
      'plugins/**/*.ts',
      'mcp-server/**/*.ts',
      'console/**/*.ts',
      'storage/**/*.ts',
    ],
    ignores: entryPoints,
    rules: {
      // Time, randomness and the environment are arguments, so a test can set them.
      'no-restricted-properties': [
        'error',
        {
          object: 'process',
          property: 'env',
          message: 'The environment is read in entry points only.',
        },
        { object: 'Date', property: 'now', message: 'Take the clock as an argument.' },
        { object: 'Math', property: 'random', message: 'Use node:crypto.' },
      ],
      'no-restricted-syntax': [
        'error',
        { selector: 'ExportDefaultDeclaration', message: 'Name what you export.' },
        {
          selector: 'NewExpression[callee.name="Date"][arguments.length=0]',
          message: 'Take the clock as an argument.',
        },
      ],
    },
  },
  {
    files: [
      '**/main.ts',
      'storage/commands/**',
      'plugins/*/commands/**',
      'gateway/local/**',
      'gateway/kong/**',
      'deploy/**',
      'test/**',
    ],
    rules: { 'no-console': 'off' },
  },
  { files: ['*.js'], ...tseslint.configs.disableTypeChecked },
)
