-- Grants requests in sliding windows, for any number of asks in one call.
-- KEYS: for each ask a bucket, and the one it shares with others (the same again where it shares none).
-- ARGV: limit, cost, window (microseconds) and limit of the shared bucket (0 where there is none), for each ask in turn.
-- Answers granted, then for the bucket and the shared one each: remaining, and microseconds until the oldest grant
-- leaves the window; for each ask in turn.
-- A bucket is a list of the microseconds at which requests were granted, newest first, by this server's clock.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local stamp = string.format('%.0f', now)
local answer = {}

local function oldest_of(bucket, window)
  local oldest = tonumber(redis.call('LINDEX', bucket, -1) or now)
  while oldest <= now - window do
    redis.call('RPOP', bucket)
    oldest = tonumber(redis.call('LINDEX', bucket, -1) or now)
  end
  return oldest
end

local function grant(bucket, count, window)
  for _ = 1, count do
    redis.call('LPUSH', bucket, stamp)
  end
  redis.call('PEXPIRE', bucket, math.ceil(window / 1000))
end

for index = 1, #KEYS / 2 do
  local bucket, shared = KEYS[2 * index - 1], KEYS[2 * index]
  local limit = tonumber(ARGV[4 * index - 3])
  local cost = tonumber(ARGV[4 * index - 2])
  local window = tonumber(ARGV[4 * index - 1])
  local shared_limit = tonumber(ARGV[4 * index])
  local oldest, left = oldest_of(bucket, window), limit - redis.call('LLEN', bucket)
  local shared_oldest, shared_left = oldest, left
  if shared_limit > 0 then
    shared_oldest, shared_left = oldest_of(shared, window), shared_limit - redis.call('LLEN', shared)
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
