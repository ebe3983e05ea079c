-- Kong's rate-limiting before mcp-oidc (1050), so that it counts what mcp-oidc answers itself: Kong
-- runs no plugin after one that answers.
local rate_limiting = require "kong.plugins.rate-limiting.handler"

-- A copy, because a handler carries its priority and Kong's own keeps 910.
local handler = {}
for name, value in pairs(rate_limiting) do
  handler[name] = value
end
handler.PRIORITY = 1100

-- Log messages say which limit refused. What refuses ends here, so only then does it stay.
local access = rate_limiting.access
function handler:access(conf)
  kong.log.set_serialize_value('limited_by', 'ip')
  local answer = access(self, conf)
  kong.log.set_serialize_value('limited_by', nil)
  return answer
end

return handler
