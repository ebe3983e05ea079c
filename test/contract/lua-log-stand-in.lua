-- Runs `custom_fields_by_lua` of a log plugin as Kong does, on one log message from standard input.
--
--   luajit lua-log-stand-in.lua KEY FILE [KEY FILE …]     a field's name, and the file of its Lua
--
-- A message is one line for each value in it, the names on the way there between tabs:
--   request<TAB>headers<TAB>cookie<TAB>a=b

local message = {}

local function words(line)
  local found = {}
  for word in (line .. '\t'):gmatch('(.-)\t') do
    found[#found + 1] = word
  end
  return found
end

for line in io.lines() do
  local path = words(line)
  local value = table.remove(path)
  local last = table.remove(path)
  local node = message
  for _, name in ipairs(path) do
    node[name] = node[name] or {}
    node = node[name]
  end
  node[last] = value
end

-- `kong.log.set_serialize_value`: a dot is a step into the message, and what is missing on the way
-- is made. Kong collects these until the message is serialized.
local wanted = {}
local function set_serialize_value(key, value)
  assert(type(key) == 'string', 'key must be a string')
  wanted[#wanted + 1] = { key = key, value = value }
end

local function set(key, value)
  local node, path = message, {}
  for name in key:gmatch('[^.]+') do
    path[#path + 1] = name
  end
  local last = table.remove(path)
  for _, name in ipairs(path) do
    if node[name] == nil then
      node[name] = {}
    end
    assert(type(node[name]) == 'table', "subkey '" .. name .. "' of '" .. key .. "' is not a table")
    node = node[name]
  end
  node[last] = value
end

-- As in the sandbox, nothing of Lua's libraries that reaches out.
local sandbox = {
  ipairs = ipairs, pairs = pairs, tostring = tostring, type = type,
  string = { find = string.find, gsub = string.gsub, lower = string.lower, sub = string.sub },
  kong = {
    log = { set_serialize_value = set_serialize_value },
    request = {
      get_header = function(name)
        local request = message.request or {}
        return (request.headers or {})[name:lower()]
      end,
    },
  },
}

for position = 1, #arg, 2 do
  local expression = assert(loadfile(arg[position + 1]))
  setfenv(expression, sandbox)
  set_serialize_value(arg[position], (expression()))
end
for _, field in ipairs(wanted) do
  set(field.key, field.value)
end

local function show(node, path)
  if type(node) ~= 'table' then
    print(path .. tostring(node))
    return
  end
  for name, value in pairs(node) do
    show(value, path .. name .. '\t')
  end
end
show(message, '')
