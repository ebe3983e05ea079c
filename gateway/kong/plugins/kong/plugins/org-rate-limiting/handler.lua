-- Kong's rate-limiting a second time on a route, after Kong's own (910): Kong runs one instance of a
-- plugin per request, and a user's limit and an organisation's are two.
local rate_limiting = require "kong.plugins.rate-limiting.handler"

-- A copy, because a handler carries its priority and Kong's own keeps 910.
local handler = {}
for name, value in pairs(rate_limiting) do
  handler[name] = value
end
handler.PRIORITY = 909

return handler
