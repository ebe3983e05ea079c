-- The settings of Kong's own rate-limiting, down to the last check.
local copy = require("kong.tools.table").cycle_aware_deep_copy

local schema = copy(require "kong.plugins.rate-limiting.schema")
schema.name = "ip-rate-limiting"

return schema
