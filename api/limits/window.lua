-- Grants requests in sliding windows, for any number of asks in one call.
-- KEYS: for each ask a bucket, and the one it shares with others (the same again where it shares none).
-- ARGV: limit, cost, window (microseconds) and limit of the shared bucket (0 where there is none), for each ask in turn.
-- Answers granted, then for the bucket and the shared one each: remaining, and microseconds until the oldest grant
-- leaves the window; for each ask in turn.
-- A bucket is a list of what was granted, newest first, by this server's clock: "moment before count", where `before`
-- is how many were granted in all before these. What is granted within a ten-thousandth of the window is one entry, at
-- the moment of the last: so no bucket is longer than that, whatever its limit.
local SLOTS = 10000
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local answer = {}

local function read(entry)
  local moment, before, count = string.match(entry, '(%d+) (%d+) (%d+)')
  return tonumber(moment), tonumber(before), tonumber(count)
end

local function written(before, count)
  return string.format('%.0f %.0f %.0f', now, before, count)
end

-- How many the window holds, and since when. What has left it is forgotten.
local function held(bucket, window)
  local last = redis.call('LINDEX', bucket, -1)
  while last do
    local oldest, before = read(last)
    if oldest > now - window then
      local _, before_newest, count = read(redis.call('LINDEX', bucket, 0))
      return before_newest + count - before, oldest
    end
    redis.call('RPOP', bucket)
    last = redis.call('LINDEX', bucket, -1)
  end
  return 0, now
end

local function grant(bucket, granted, window)
  local newest = redis.call('LINDEX', bucket, 0)
  local moment, before, count = 0, 0, 0
  if newest then
    moment, before, count = read(newest)
  end
  if newest and math.floor(moment * SLOTS / window) == math.floor(now * SLOTS / window) then
    redis.call('LSET', bucket, 0, written(before, count + granted))
  else
    redis.call('LPUSH', bucket, written(before + count, granted))
  end
  redis.call('PEXPIRE', bucket, math.ceil(window / 1000))
end

for index = 1, #KEYS / 2 do
  local bucket, shared = KEYS[2 * index - 1], KEYS[2 * index]
  local limit = tonumber(ARGV[4 * index - 3])
  local cost = tonumber(ARGV[4 * index - 2])
  local window = tonumber(ARGV[4 * index - 1])
  local shared_limit = tonumber(ARGV[4 * index])
  local used, oldest = held(bucket, window)
  local left = limit - used
  local shared_left, shared_oldest = left, oldest
  if shared_limit > 0 then
    used, shared_oldest = held(shared, window)
    shared_left = shared_limit - used
  end
  local granted = math.max(0, math.min(cost, left, shared_left))
  if granted > 0 then
    grant(bucket, granted, window)
    if shared_limit > 0 then
      grant(shared, granted, window)
    end
  end
  answer[#answer + 1] = granted
  answer[#answer + 1] = math.max(0, left - granted)
  answer[#answer + 1] = oldest + window - now
  answer[#answer + 1] = math.max(0, shared_left - granted)
  answer[#answer + 1] = shared_oldest + window - now
end
return answer
