import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, it } from '@jest/globals'
import {
  alert_tests_yml,
  alertQueries,
  alerts,
  alerts_yml,
  dashboardQueries,
  metricsIn,
  prometheus_yml,
} from '../../support/promql.ts'

const root = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url))

/** Debian's package prometheus has it. Rejects with what it says is wrong. */
const promtool = (...args: readonly string[]) => promisify(execFile)('promtool', args)

describe('config/alerts.yml', () => {
  it('O02 is accepted by promtool, and so is config/prometheus.yml', async () => {
    const { stdout } = await promtool('check', 'config', '--lint-fatal', prometheus_yml)
    expect(stdout).toContain(`SUCCESS: ${alerts().length} rules found`)
    await promtool('check', 'rules', '--lint-fatal', alerts_yml)
  })

  it('O02 fires in what each alert is for and stays quiet in what looks like it', async () => {
    await promtool('test', 'rules', alert_tests_yml)
    const tests = readFileSync(alert_tests_yml, 'utf8')
    for (const { alert } of alerts()) {
      expect(tests).toContain(`- name: ${alert} fires\n`)
      expect(tests).toContain(`- name: ${alert} stays quiet\n`)
    }
  })

  it('has a runbook for each alert, and no other', () => {
    const runbooks = alerts().map(({ annotations }) => annotations['runbook'])
    expect(runbooks).toEqual(alerts().map(({ alert }) => `docs/runbooks/${alert}.md`))
    const files = readdirSync(root('docs/runbooks')).filter(name => name !== 'README.md')
    expect(files.toSorted()).toEqual(
      alerts()
        .map(({ alert }) => `${alert}.md`)
        .toSorted(),
    )
  })

  it.each(alerts().map(({ alert }) => alert))('says of %s what it means and what to do', name => {
    const page = root(`docs/runbooks/${name}.md`)
    expect(existsSync(page)).toBe(true)
    const text = readFileSync(page, 'utf8')
    for (const title of [`# ${name}`, '## What it means', '## How to see it', '## What to do'])
      expect(text).toContain(`${title}\n`)
  })
})

describe('the metrics', () => {
  it('O02 that alerts and dashboard ask for stand in docs/observability.md, but for those of others', () => {
    const text = readFileSync(root('docs/observability.md'), 'utf8')
    const asked = [...alertQueries(), ...dashboardQueries()].flatMap(({ expr }) => metricsIn(expr))
    const ours = [...new Set(asked)]
      .filter(name => /^(?:mcp|console|plugin_server)_/.test(name))
      .map(name => name.replace(/_(?:bucket|count|sum)$/, ''))
    expect(ours.length).toBeGreaterThan(20)
    expect(ours.filter(name => !text.includes(`\`${name}\``))).toEqual([])
  })
})
