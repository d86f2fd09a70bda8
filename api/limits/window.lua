-- Grants requests in sliding windows, for any number of buckets in one call.
-- KEYS: a bucket each. ARGV: limit, cost and window (microseconds) for each bucket, in turn.
-- Answers granted, remaining and microseconds until the oldest grant leaves the window, for each bucket, in turn.
-- A bucket is a list of the microseconds at which requests were granted, newest first, by this server's clock.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local answer = {}
for index, bucket in ipairs(KEYS) do
  local limit = tonumber(ARGV[3 * index - 2])
  local cost = tonumber(ARGV[3 * index - 1])
  local window = tonumber(ARGV[3 * index])
  local oldest = tonumber(redis.call('LINDEX', bucket, -1) or now)
  while oldest <= now - window do
    redis.call('RPOP', bucket)
    oldest = tonumber(redis.call('LINDEX', bucket, -1) or now)
  end
  local used = redis.call('LLEN', bucket)
  local granted = math.max(0, math.min(cost, limit - used))
  local stamp = string.format('%.0f', now)
  for _ = 1, granted do
    redis.call('LPUSH', bucket, stamp)
  end
  if granted > 0 then
    redis.call('PEXPIRE', bucket, math.ceil(window / 1000))
  end
  answer[#answer + 1] = granted
  answer[#answer + 1] = math.max(0, limit - used - granted)
  answer[#answer + 1] = oldest + window - now
end
return answer
