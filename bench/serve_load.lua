-- The load of bench_serve.py: what SDKs send, made anew for each request, and calls of decide.
-- Told by the environment: KIND (single, batch or decide), KEY, SEED, EVENTS (a batch), PEOPLE, DELAY_MS.
local kind, key = os.getenv("KIND"), os.getenv("KEY")
local seed, size = os.getenv("SEED"), tonumber(os.getenv("EVENTS") or "100")
local people, pause = tonumber(os.getenv("PEOPLE") or "100000"), tonumber(os.getenv("DELAY_MS") or "0")
local number, offset = 0, 0

local context = '"context":{"library":{"name":"analytics.js","version":"next-1.84.3"},"page":{'
  .. '"path":"/tea","title":"Tea","url":"https://shop.example/tea","referrer":""},'
  .. '"userAgent":"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36","locale":"en-GB"}'

local function body_of(n)
  local turn, product = n % 100, n % 5000
  local item = string.format('"product_id":"p%d","name":"Product %d","category":"tea","price":12.5', product, product)
  if turn < 40 then
    return '"type":"page","name":"Shop","properties":{"path":"/tea","title":"Tea","url":"https://shop.example/tea"}'
  elseif turn < 75 then return '"type":"track","event":"Product Viewed","properties":{' .. item .. '}'
  elseif turn < 80 then return '"type":"track","event":"Products Searched","properties":{"query":"green tea"}'
  elseif turn < 88 then return '"type":"track","event":"Product Added","properties":{"quantity":1,' .. item .. '}'
  elseif turn < 93 then return '"type":"identify","traits":{"plan":"gold","first_name":"Ada"}'
  elseif turn < 97 then
    local line = string.format('{%s,"quantity":2}', item)
    return string.format('"type":"track","event":"Order Completed","properties":{"order_id":"o%s-%d","revenue":75.0,'
      .. '"currency":"EUR","products":[%s,%s,%s]}', seed, n, line, line, line)
  end
  return '"type":"track","event":"Quiz Taken","properties":{"score":7}'
end

local function event()
  number = number + 1
  local person = (number * 7919 + offset) % people
  local known = number % 4 > 0 and string.format('"userId":"u%d",', person) or ""
  return string.format('{"messageId":"b-%s-%d-%d",%s"anonymousId":"a%d","timestamp":"2026-11-22T04:20:00.000Z",%s,%s',
    seed, offset, number, known, person, context, body_of(number))
end

local threads = 0
function setup(thread) threads = threads + 1; thread:set("offset", threads * 1000003) end

function init()
  math.randomseed(os.time())
  offset = wrk.thread and wrk.thread:get("offset") or 0
end

function request()
  local headers = { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. key }
  if kind == "decide" then
    number = number + 1
    local asked = string.format('{"identifiers":{"user_id":"u%d"},"placement":"home","n":3}', (number * 7919) % people)
    return wrk.format("POST", "/v1/decide", headers, asked)
  elseif kind == "single" then
    local one = event()
    return wrk.format("POST", "/v1/" .. one:match('"type":"(%a+)"'), headers, one .. ',"sentAt":"2026-11-22T04:20:00.000Z"}')
  end
  local events = {}
  for index = 1, size do events[index] = event() .. "}" end
  return wrk.format("POST", "/v1/batch", headers,
    '{"sentAt":"2026-11-22T04:20:00.000Z","batch":[' .. table.concat(events, ",") .. "]}")
end

-- Calls come at random, as from many people: not all connections at the same instant.
function delay() return pause > 0 and math.floor(-pause * math.log(1 - math.random()) + 0.5) or 0 end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format('RESULT {"requests":%d,"seconds":%.3f,"p50_ms":%.3f,"p99_ms":%.3f,"max_ms":%.3f,"failed":%d}\n',
    summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
    latency.max / 1e3, errors.connect + errors.read + errors.write + errors.status + errors.timeout))
end
