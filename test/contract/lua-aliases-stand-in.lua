-- Loads Kong's rate-limiting and its aliases as Kong does and tells what came of it.
--
--   luajit lua-aliases-stand-in.lua PACKAGE_PATH NAME…      the names in the order they are loaded
--
-- Output, for each name: NAME<TAB>what<TAB>value. A name that cannot be loaded has `error` only.
-- Everything is told after every table of every other plugin was written to, as Kong may.

package.path = arg[1]

-- Kong's own, as far as an alias may see of it.
local function cycle_aware_deep_copy(original)
  if type(original) ~= 'table' then
    return original
  end
  local copy = {}
  for key, value in pairs(original) do
    copy[key] = cycle_aware_deep_copy(value)
  end
  return setmetatable(copy, getmetatable(original))
end
package.preload['kong.tools.table'] = function()
  return { cycle_aware_deep_copy = cycle_aware_deep_copy }
end

-- A handler knows what it does by its configuration, never by itself.
local handler = { VERSION = '3.9.3', PRIORITY = 910 }
function handler:access(conf)
  -- What Kong's own never returns from.
  if conf.refuses then
    error('refused')
  end
  return 'counted by ' .. conf.limit_by
end
package.preload['kong.plugins.rate-limiting.handler'] = function()
  return handler
end

-- What a log message would be told at the end of each access.
local limited_by = {}
kong = {
  log = {
    set_serialize_value = function(key, value)
      assert(key == 'limited_by')
      limited_by[#limited_by + 1] = tostring(value)
    end,
  },
}

local function check()
  return true
end
package.preload['kong.plugins.rate-limiting.schema'] = function()
  return {
    name = 'rate-limiting',
    fields = {
      { protocols = { type = 'set' } },
      { config = { type = 'record', fields = { { minute = { type = 'number' } } }, custom_validator = check } },
    },
    entity_checks = { { at_least_one_of = { 'config.minute' } } },
  }
end

local plugins = {}
for position = 2, #arg do
  local name = arg[position]
  local ok, loaded, schema = pcall(function()
    local loaded = require('kong.plugins.' .. name .. '.handler')
    local schema = require('kong.plugins.' .. name .. '.schema')
    assert(type(loaded) == 'table' and type(loaded.access) == 'function', 'no handler')
    assert(type(schema) == 'table' and schema.fields, 'no schema')
    return loaded, schema
  end)
  plugins[#plugins + 1] = { name = name, error = not ok and loaded, handler = loaded, schema = schema }
end

-- One mark for each plugin, in every table that belongs to it.
local function mark(value, name)
  if type(value) == 'table' then
    for _, inner in pairs(value) do
      mark(inner, name)
    end
    value['marked by ' .. name] = true
  end
end
for _, plugin in ipairs(plugins) do
  if not plugin.error then
    plugin.priority = plugin.handler.PRIORITY
    mark(plugin.handler, plugin.name)
    mark(plugin.schema, plugin.name)
  end
end

-- Who wrote to a plugin's tables: itself alone, when nothing is shared.
local function marks(value, found)
  for key, inner in pairs(value) do
    local name = type(key) == 'string' and key:match('^marked by (.+)$')
    if name then
      found[name] = true
    elseif type(inner) == 'table' then
      marks(inner, found)
    end
  end
  return found
end
local function names(set)
  local list = {}
  for name in pairs(set) do
    list[#list + 1] = name
  end
  table.sort(list)
  return table.concat(list, ' ')
end

for _, plugin in ipairs(plugins) do
  local function tell(what, value)
    print(plugin.name .. '\t' .. what .. '\t' .. tostring(value))
  end
  if plugin.error then
    tell('error', (plugin.error:gsub('%s+', ' ')))
  else
    local config = plugin.schema.fields[2].config
    tell('priority', plugin.priority)
    tell('version', plugin.handler.VERSION)
    limited_by = {}
    pcall(plugin.handler.access, plugin.handler, { refuses = true })
    tell('refuses as', limited_by[#limited_by])
    local passed, answer = pcall(plugin.handler.access, plugin.handler, { limit_by = 'header' })
    tell('access', passed and answer or 'error')
    tell('passes as', limited_by[#limited_by])
    tell('schema', plugin.schema.name)
    tell('minute', config.fields[1].minute.type)
    tell('validator', config.custom_validator == check)
    tell('checks', plugin.schema.entity_checks[1].at_least_one_of[1])
    tell('handler written by', names(marks(plugin.handler, {})))
    tell('schema written by', names(marks(plugin.schema, {})))
  end
end
