-- Adds grants that were made while this server was away, each in its place among the moments of a bucket (window.lua).
-- KEYS: the bucket. ARGV: the window, then how long ago each grant was; all in microseconds.
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local window = tonumber(ARGV[1])
local moments = redis.call('LRANGE', KEYS[1], 0, -1)
for index = 2, #ARGV do
  moments[#moments + 1] = string.format('%.0f', now - tonumber(ARGV[index]))
end
table.sort(moments, function(one, other) return tonumber(one) > tonumber(other) end)
redis.call('DEL', KEYS[1])
for _, moment in ipairs(moments) do
  redis.call('RPUSH', KEYS[1], moment)
end
redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000))
return #moments
