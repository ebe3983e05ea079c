-- Runs the access snippets of `pre-function` and `post-function` as Kong does, on requests from
-- standard input, and tells on standard output what became of them.
--
--   luajit kong-stand-in.lua PRE POST      file names; `-` for a plugin that is not configured
--
-- Input, one request after the other:   header Name: value     what the client sent
--                                       plugin Name: value     what a plugin sets between the two
--                                       end
-- Output for each:                      seen name: value       kong.request.get_header before `plugin`
--                                       exit status type body | proxied
--                                       header Name: value     what the upstream gets
--                                       end

local current

-- nginx keeps the lines as they came. A name here is equal but for case.
local function is_named(line, name)
  return line.name:lower() == name:lower()
end

local req = {}

function req.get_headers(max, raw)
  max = max or 100
  local found = {}
  for position, line in ipairs(current.lines) do
    if max > 0 and position > max then
      return found, 'truncated'
    end
    local key = raw and line.name or line.name:lower()
    local before = found[key]
    if before == nil then
      found[key] = line.value
    elseif type(before) == 'table' then
      before[#before + 1] = line.value
    else
      found[key] = { before, line.value }
    end
  end
  if raw then
    return found
  end
  return setmetatable(found, {
    __index = function(headers, key)
      return rawget(headers, (key:lower():gsub('_', '-')))
    end,
  })
end

function req.clear_header(name)
  local kept = {}
  for _, line in ipairs(current.lines) do
    if not is_named(line, name) then
      kept[#kept + 1] = line
    end
  end
  current.lines = kept
end

function req.set_header(name, value)
  local kept, placed = {}, false
  for _, line in ipairs(current.lines) do
    if not is_named(line, name) then
      kept[#kept + 1] = line
    elseif not placed then
      kept[#kept + 1], placed = { name = name, value = value }, true
    end
  end
  if not placed then
    kept[#kept + 1] = { name = name, value = value }
  end
  current.lines = kept
end

-- Kong reads nginx's variable `http_<name>`, in which `-` is `_`; a value that looks like several
-- is looked up among the first hundred instead.
local function get_header(name)
  local wanted, values = name:lower():gsub('-', '_'), {}
  for _, line in ipairs(current.lines) do
    if line.name:lower():gsub('-', '_') == wanted then
      values[#values + 1] = line.value
    end
  end
  if #values == 0 then
    return nil
  end
  local joined = table.concat(values, ', ')
  if not joined:find(', ', 1, true) then
    return joined
  end
  local value = req.get_headers()[name]
  return type(value) == 'table' and value[1] or value
end

-- `exit` ends the request: nothing after it runs.
local EXIT = {}
local function exit(status, body, headers)
  current.exit = { status = status, body = body or '', headers = headers or {} }
  error(EXIT, 0)
end

local shared = setmetatable({}, {
  __index = function(_, key)
    return current.shared[key]
  end,
  __newindex = function(_, key, value)
    current.shared[key] = value
  end,
})

-- What Kong's sandbox (`untrusted_lua = sandbox`) leaves of Lua, and the part of `ngx` and `kong`
-- that is reproduced here.
local sandbox = {
  assert = assert, error = error, ipairs = ipairs, next = next, pairs = pairs, pcall = pcall,
  select = select, tonumber = tonumber, tostring = tostring, type = type, unpack = unpack,
  string = { find = string.find, gsub = string.gsub, lower = string.lower, sub = string.sub },
  ngx = { req = req },
  kong = {
    ctx = { shared = shared },
    request = { get_header = get_header },
    response = { exit = exit },
  },
}

local function load_snippet(path)
  if path == '-' then
    return function() end
  end
  local compiled = assert(loadfile(path))
  setfenv(compiled, sandbox)
  -- A snippet that gives a function is replaced by it after its first run.
  local snippet = compiled
  return function()
    local result = snippet()
    if snippet == compiled and type(result) == 'function' then
      snippet = result
      snippet()
    end
  end
end

-- False when it ended the request.
local function run(snippet)
  local ok, problem = pcall(snippet)
  if not ok and problem ~= EXIT then
    error(problem, 0)
  end
  return ok
end

local rewrite, pre, post = load_snippet(arg[1]), load_snippet(arg[2]), load_snippet(arg[3])
local IDENTITY = { 'x-user-id', 'x-org-id', 'x-user-email', 'x-client-id', 'x-request-id' }

local function serve()
  local passed = run(rewrite)
  -- Kong reads the client's headers once, before `access`, and after the last plugin removes what
  -- their Connection names.
  local hop_by_hop = get_header('connection') or ''
  if passed and run(pre) then
    for _, name in ipairs(IDENTITY) do
      local value = get_header(name)
      if value then
        print('seen ' .. name .. ': ' .. value)
      end
    end
    for _, line in ipairs(current.plugin) do
      req.set_header(line.name, line.value)
    end
    if run(post) then
      for name in hop_by_hop:gmatch('[^,%s]+') do
        req.clear_header(name)
      end
    end
  end
  local answer = current.exit
  if answer then
    local content_type = answer.headers['Content-Type'] or 'none'
    print('exit ' .. answer.status .. ' ' .. content_type .. ' ' .. answer.body)
  else
    print('proxied')
  end
  for _, line in ipairs(current.lines) do
    print('header ' .. line.name .. ': ' .. line.value)
  end
  print('end')
end

local function new_request()
  return { lines = {}, plugin = {}, shared = {} }
end

current = new_request()
for text in io.lines() do
  local kind, name, value = text:match('^(%a+) ?([^:]*):? ?(.*)$')
  if kind == 'end' then
    serve()
    current = new_request()
  else
    local list = assert(({ header = current.lines, plugin = current.plugin })[kind], text)
    list[#list + 1] = { name = name, value = value }
  end
end
