-- The requests of wrk: one operation, on a random task of a random user.
-- Arguments: operation, file of users, tasks per user.
local methods = { list = "GET", get = "GET", unchanged = "GET", create = "POST", toggle = "PATCH" }
local headers, users, operation, tasks = {}, {}, nil, 0
local random, format = math.random, string.format

local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function init(args)
  operation, tasks = args[1], tonumber(args[3])
  math.randomseed(os.time() * 1000 + number)
  for line in io.lines(args[2]) do
    local id, token, etag = line:match("(%S+) (%S+) (%S+)")
    users[#users + 1] = id
    headers[#headers + 1] = { Authorization = "Bearer " .. token }
    if operation == "create" then headers[#headers]["Content-Type"] = "application/json" end
    if operation == "unchanged" then headers[#headers]["If-None-Match"] = etag end
  end
end

function request()
  local n = random(#users)
  local path = "/api/" .. users[n] .. "/tasks"
  local body = nil
  if operation == "list" or operation == "unchanged" then
    path = path .. "?limit=50"
  elseif operation == "create" then
    body = '{"title": "Water the ferns, and the ' .. random(1000) .. ' others"}'
  else
    path = path .. format("/01900000-%04x-7000-8000-%012x", n, random(tasks))
    if operation == "toggle" then path = path .. "/complete" end
  end
  return wrk.format(methods[operation], path, headers[n], body)
end

function done(summary, latency, requests)
  local e = summary.errors
  io.write(format(
    '{"requests": %d, "seconds": %.6f, "p50": %d, "p99": %d, "error_statuses": %d, "broken": %d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50), latency:percentile(99),
    e.status, e.connect + e.read + e.write + e.timeout))
end
