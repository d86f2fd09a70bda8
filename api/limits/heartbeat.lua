-- Says that a process counts here, and answers how many do. A process that was not heard of is forgotten.
-- KEYS: the processes. ARGV: this process, and after how many microseconds of silence one is forgotten.
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[2]))
return redis.call('ZCARD', KEYS[1])
