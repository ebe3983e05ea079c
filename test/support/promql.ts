import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

const file = (path: string) => fileURLToPath(new URL(`../../config/${path}`, import.meta.url))

export const prometheus_yml = file('prometheus.yml')
export const alerts_yml = file('alerts.yml')
export const alert_tests_yml = file('alerts.test.yml')
const dashboard_json = file('grafana/dashboards/mcp-oidc-gateway.json')

export interface Alert {
  readonly alert: string
  readonly expr: string
  readonly annotations: Readonly<Record<string, string>>
}

export function alerts(): readonly Alert[] {
  const { groups } = parse(readFileSync(alerts_yml, 'utf8')) as {
    readonly groups: readonly { readonly rules: readonly Alert[] }[]
  }
  return groups.flatMap(({ rules }) => rules)
}

export interface Query {
  /** The panel or the alert it belongs to. */
  readonly of: string
  readonly expr: string
}

/** What the panels ask, with a minute in place of Grafana's interval. */
export function dashboardQueries(): readonly Query[] {
  const { panels } = JSON.parse(readFileSync(dashboard_json, 'utf8')) as {
    readonly panels: readonly {
      readonly title: string
      readonly targets?: readonly { readonly expr: string }[]
    }[]
  }
  return panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ of: title, expr: expr.replaceAll('$__rate_interval', '1m') })),
  )
}

/**
 * What the alerts compare: each side of `and` and `or` alone, giving 0 or 1 where the alert would
 * leave out what does not hold. So a series comes from an alert that is quiet, too.
 */
export function alertQueries(): readonly Query[] {
  return alerts().flatMap(({ alert, expr }) =>
    expr
      .split(/\s(?:and|or)\s/)
      .map(part => ({ of: alert, expr: part.replace(/\s(>|<|>=|<=|==|!=)\s/, ' $1 bool ') })),
  )
}

/** The names of the metrics in an expression: everything of ours, Kong's and Node's. */
export function metricsIn(expr: string): readonly string[] {
  return expr.match(/\b(?:mcp|kong|console|plugin_server|process|nodejs)_\w+/g) ?? []
}
