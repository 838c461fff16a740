-- The programs of `cargo bench --bench compute` in Lua. Reads lines of a name, a size and a number of seconds; answers
-- each with the CPU seconds of one run, of at least one and as many as fit, and the result.
local programs = {}

local function fib(n)
  if n < 2 then return n end
  return fib(n - 1) + fib(n - 2)
end
programs.fib = fib

function programs.sieve(limit)
  local prime = {}
  for i = 0, limit do prime[i] = true end
  local p = 2
  while p * p <= limit do
    if prime[p] then
      for multiple = p * p, limit, p do prime[multiple] = false end
    end
    p = p + 1
  end
  local count = 0
  for k = 2, limit do
    if prime[k] then count = count + 1 end
  end
  return count
end

local function planets()
  local mass, year = 4.0 * 3.141592653589793 * 3.141592653589793, 365.24
  return {
    {x = 0, y = 0, z = 0, vx = 0, vy = 0, vz = 0, m = mass},
    {x = 4.841431442464721, y = -1.1603200440274284, z = -0.10362204447112311,
     vx = 0.001660076642744037 * year, vy = 0.007699011184197404 * year, vz = -0.0000690460016972063 * year,
     m = 0.0009547919384243266 * mass},
    {x = 8.34336671824458, y = 4.124798564124305, z = -0.4035234171143214,
     vx = -0.002767425107268624 * year, vy = 0.004998528012349172 * year, vz = 0.00002304172975737639 * year,
     m = 0.0002858859806661308 * mass},
    {x = 12.894369562139131, y = -15.111151401698631, z = -0.22330757889265573,
     vx = 0.002964601375647616 * year, vy = 0.0023784717395948095 * year, vz = -0.000029658956854023756 * year,
     m = 0.00004366244043351563 * mass},
    {x = 15.379697114850917, y = -25.919314609987964, z = 0.17925877295037118,
     vx = 0.0026806777249038932 * year, vy = 0.001628241700382423 * year, vz = -0.00009515922545197159 * year,
     m = 0.00005151389020466115 * mass},
  }
end

function programs.nbody(steps)
  local bodies, dt, sqrt = planets(), 0.01, math.sqrt
  for _ = 1, steps do
    for i = 1, 5 do
      local one = bodies[i]
      local x, y, z, m = one.x, one.y, one.z, one.m
      local vx, vy, vz = one.vx, one.vy, one.vz
      for j = i + 1, 5 do
        local two = bodies[j]
        local dx, dy, dz = x - two.x, y - two.y, z - two.z
        local square = dx * dx + dy * dy + dz * dz
        local pull = dt / (square * sqrt(square))
        local theirs = two.m * pull
        vx = vx - dx * theirs
        vy = vy - dy * theirs
        vz = vz - dz * theirs
        local ours = m * pull
        two.vx = two.vx + dx * ours
        two.vy = two.vy + dy * ours
        two.vz = two.vz + dz * ours
      end
      one.vx, one.vy, one.vz = vx, vy, vz
    end
    for i = 1, 5 do
      local one = bodies[i]
      one.x = one.x + dt * one.vx
      one.y = one.y + dt * one.vy
      one.z = one.z + dt * one.vz
    end
  end
  local sum = 0
  for i = 1, 5 do sum = sum + (bodies[i].x + bodies[i].y + bodies[i].z) end
  local scaled = sum * 1000000
  return scaled < 0 and math.ceil(scaled) or math.floor(scaled)
end

function programs.strings(n)
  local pieces = {}
  for i = 0, n - 1 do pieces[#pieces + 1] = "item" .. i .. "," end
  local line = table.concat(pieces)
  local parts, from = {}, 1
  while true do
    local comma = line:find(",", from, true)
    if not comma then
      parts[#parts + 1] = line:sub(from)
      break
    end
    parts[#parts + 1] = line:sub(from, comma - 1)
    from = comma + 1
  end
  local bytes = 0
  for i = 1, #parts do bytes = bytes + #parts[i] end
  return bytes + #parts
end

function programs.words(n)
  local list, seed = {}, 42
  for i = 1, n do
    seed = seed * 16807 % 2147483647
    list[i] = "w" .. seed % 1000
  end
  local counts = {}
  for i = 1, #list do
    local word = list[i]
    counts[word] = (counts[word] or 0) + 1
  end
  local squares, entries = 0, 0
  for _, count in pairs(counts) do
    squares = squares + count * count
    entries = entries + 1
  end
  return squares + entries
end

function programs.matmul(n)
  local a, b, c = {}, {}, {}
  for i = 0, n - 1 do
    local row_a, row_b, row_c = {}, {}, {}
    for j = 0, n - 1 do
      row_a[j] = (i * n + j) % 7 + 0.5
      row_b[j] = (i * n + j) % 5 + 0.25
      row_c[j] = 0
    end
    a[i], b[i], c[i] = row_a, row_b, row_c
  end
  for i = 0, n - 1 do
    for j = 0, n - 1 do
      local sum = 0
      for k = 0, n - 1 do sum = sum + a[i][k] * b[k][j] end
      c[i][j] = sum
    end
  end
  local trace = 0
  for i = 0, n - 1 do
    for j = 0, n - 1 do trace = trace + c[i][j] end
  end
  return math.floor(trace)
end

function programs.mandel(n)
  local total = 0
  for row = 0, n - 1 do
    for column = 0, n - 1 do
      local re, im = 3.0 * column / n - 2.0, 2.0 * row / n - 1.0
      local x, y, rounds = 0.0, 0.0, 0
      while rounds < 100 and x * x + y * y <= 4.0 do
        x, y = x * x - y * y + re, 2.0 * x * y + im
        rounds = rounds + 1
      end
      total = total + rounds
    end
  end
  return total
end

function programs.sortcmp(n)
  local numbers, seed = {}, 7
  for i = 1, n do
    seed = seed * 16807 % 2147483647
    numbers[i] = seed % 100000
  end
  table.sort(numbers, function(a, b) return a < b end)
  local sum = 0
  for i = 0, n - 1, 1000 do sum = sum + numbers[i + 1] * (i + 1) end
  return sum
end

local function grow(id, depth)
  local children = {}
  if depth > 0 then
    for k = 1, 4 do children[k] = grow(id * 4 + k, depth - 1) end
  end
  return {id = id, kind = "n" .. id % 10, tags = {id % 3, id % 5}, children = children}
end

local function visit(node)
  local sum = node.id
  if node.kind == "n3" then sum = sum + 1 end
  for _, tag in ipairs(node.tags) do sum = sum + tag end
  for _, child in ipairs(node.children) do sum = sum + visit(child) end
  return sum
end

function programs.tree(depth)
  local root, sum = grow(0, depth), 0
  for _ = 1, 10 do sum = sum + visit(root) end
  return sum
end
programs.tree_ref = programs.tree

for line in io.lines() do
  local name, size, seconds = line:match("(%S+) (%S+) (%S+)")
  local runs, result = 0, nil
  collectgarbage()
  local began = os.clock()
  repeat
    result = programs[name](tonumber(size))
    runs = runs + 1
  until os.clock() - began >= tonumber(seconds)
  io.write(string.format("%.9f %.0f\n", (os.clock() - began) / runs, result))
  io.flush()
end
