-- Kong's rate-limiting a second time on a route, after Kong's own (910): Kong runs one instance of a
-- plugin per request, and a user's limit and an organisation's are two.
local rate_limiting = require "kong.plugins.rate-limiting.handler"

-- A copy, because a handler carries its priority and Kong's own keeps 910.
local handler = {}
for name, value in pairs(rate_limiting) do
  handler[name] = value
end
handler.PRIORITY = 909

-- Log messages say which limit refused. What refuses ends here, so only then does it stay.
local access = rate_limiting.access
function handler:access(conf)
  kong.log.set_serialize_value('limited_by', 'org')
  local answer = access(self, conf)
  kong.log.set_serialize_value('limited_by', nil)
  return answer
end

return handler
