'use strict'

// What `kong-js-pluginserver --plugins-directory` loads: it takes every file of the directory for a
// plugin, so this one is alone in it. kong-pdk puts ts-node before every .ts file that is required,
// and ts-node refuses ES modules, which Node itself can require.
const ts_node = process[Symbol.for('ts-node.register.instance')]

ts_node?.enabled(false)
module.exports = require('../plugin.ts')
ts_node?.enabled(true)
