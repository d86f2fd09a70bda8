-- Grants requests in sliding windows, for any number of asks in one call.
-- KEYS: for each ask a bucket, and the one it shares with others (the same again where it shares none).
-- ARGV: limit, cost, window (microseconds) and limit of the shared bucket (0 where there is none), for each ask in turn.
-- Answers granted, then for the bucket and the shared one each: remaining, and microseconds until the oldest grant
-- leaves the window; for each ask in turn.
local answer = {}

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
  if newest and is_one_slot(moment, now, window) then
    redis.call('LSET', bucket, 0, written(now, before, count + granted))
  else
    redis.call('LPUSH', bucket, written(now, before + count, granted))
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
