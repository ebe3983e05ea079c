-- Kong's rate-limiting a third time on a route, after org-rate-limiting (909).
local rate_limiting = require "kong.plugins.rate-limiting.handler"

-- A copy, because a handler carries its priority and Kong's own keeps 910.
local handler = {}
for name, value in pairs(rate_limiting) do
  handler[name] = value
end
handler.PRIORITY = 908

return handler
