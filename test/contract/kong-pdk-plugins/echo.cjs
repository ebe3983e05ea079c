'use strict'

process[Symbol.for('ts-node.register.instance')]?.enabled(false)
module.exports = require('../kong-pdk-echo.ts')
