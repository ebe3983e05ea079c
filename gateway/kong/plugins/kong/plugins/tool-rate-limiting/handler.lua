-- Kong's rate-limiting a third time on a route, after org-rate-limiting (909).
local rate_limiting = require "kong.plugins.rate-limiting.handler"

-- A copy, because a handler carries its priority and Kong's own keeps 910.
local handler = {}
for name, value in pairs(rate_limiting) do
  handler[name] = value
end
handler.PRIORITY = 908

-- Log messages say which limit refused. What refuses ends here, so only then does it stay.
local access = rate_limiting.access
function handler:access(conf)
  kong.log.set_serialize_value('limited_by', 'tool')
  local answer = access(self, conf)
  kong.log.set_serialize_value('limited_by', nil)
  return answer
end

return handler
