import { runCheck } from '../../check-command.ts'
import { checkKubernetes } from './check.ts'

await runCheck({
  usage: `Checks deploy/kubernetes/production and the files that it generates from, without a cluster.

  npm run kubernetes:check

Says everything that is wrong, and exits 1 when something is.`,
  check: checkKubernetes,
  in_order: 'deploy/kubernetes/production and its files are in order',
})
