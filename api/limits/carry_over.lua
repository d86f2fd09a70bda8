-- Adds grants that were made while this server was away, each in its place among those of a bucket (window.lua).
-- KEYS: the bucket. ARGV: the window, then how long ago a grant was and how many there were, for each grant in turn;
-- times in microseconds. Answers how many the bucket holds.
local SLOTS = 10000
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local window = tonumber(ARGV[1])
local grants = {}
for _, entry in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  local moment, count = string.match(entry, '(%d+) %d+ (%d+)')
  grants[#grants + 1] = {tonumber(moment), tonumber(count)}
end
for index = 2, #ARGV, 2 do
  grants[#grants + 1] = {now - tonumber(ARGV[index]), tonumber(ARGV[index + 1])}
end
table.sort(grants, function(one, other) return one[1] < other[1] end)
redis.call('DEL', KEYS[1])
local before = 0
for index, grant in ipairs(grants) do
  local following = grants[index + 1]
  if following and math.floor(grant[1] * SLOTS / window) == math.floor(following[1] * SLOTS / window) then
    following[2] = following[2] + grant[2]
  else
    redis.call('LPUSH', KEYS[1], string.format('%.0f %.0f %.0f', grant[1], before, grant[2]))
    before = before + grant[2]
  end
end
redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000))
return before
