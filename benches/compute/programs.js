// The programs of `cargo bench --bench compute` in JavaScript. Reads lines of a name, a size and a number of seconds;
// answers each with the CPU seconds of one run, of at least one and as many as fit, and the result.
'use strict';
const programs = {};

function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
programs.fib = fib;

programs.sieve = (limit) => {
  const prime = [];
  for (let i = 0; i <= limit; i++) prime.push(true);
  for (let p = 2; p * p <= limit; p++) {
    if (prime[p]) for (let multiple = p * p; multiple <= limit; multiple += p) prime[multiple] = false;
  }
  let count = 0;
  for (let k = 2; k <= limit; k++) if (prime[k]) count++;
  return count;
};

function planets() {
  const mass = 4.0 * 3.141592653589793 * 3.141592653589793, year = 365.24;
  return [
    {x: 0, y: 0, z: 0, vx: 0, vy: 0, vz: 0, m: mass},
    {x: 4.841431442464721, y: -1.1603200440274284, z: -0.10362204447112311,
      vx: 0.001660076642744037 * year, vy: 0.007699011184197404 * year, vz: -0.0000690460016972063 * year,
      m: 0.0009547919384243266 * mass},
    {x: 8.34336671824458, y: 4.124798564124305, z: -0.4035234171143214,
      vx: -0.002767425107268624 * year, vy: 0.004998528012349172 * year, vz: 0.00002304172975737639 * year,
      m: 0.0002858859806661308 * mass},
    {x: 12.894369562139131, y: -15.111151401698631, z: -0.22330757889265573,
      vx: 0.002964601375647616 * year, vy: 0.0023784717395948095 * year, vz: -0.000029658956854023756 * year,
      m: 0.00004366244043351563 * mass},
    {x: 15.379697114850917, y: -25.919314609987964, z: 0.17925877295037118,
      vx: 0.0026806777249038932 * year, vy: 0.001628241700382423 * year, vz: -0.00009515922545197159 * year,
      m: 0.00005151389020466115 * mass},
  ];
}

programs.nbody = (steps) => {
  const bodies = planets(), dt = 0.01;
  for (let step = 0; step < steps; step++) {
    for (let i = 0; i < 5; i++) {
      const one = bodies[i];
      const x = one.x, y = one.y, z = one.z, m = one.m;
      let vx = one.vx, vy = one.vy, vz = one.vz;
      for (let j = i + 1; j < 5; j++) {
        const two = bodies[j];
        const dx = x - two.x, dy = y - two.y, dz = z - two.z;
        const square = dx * dx + dy * dy + dz * dz;
        const pull = dt / (square * Math.sqrt(square));
        const theirs = two.m * pull;
        vx -= dx * theirs;
        vy -= dy * theirs;
        vz -= dz * theirs;
        const ours = m * pull;
        two.vx += dx * ours;
        two.vy += dy * ours;
        two.vz += dz * ours;
      }
      one.vx = vx;
      one.vy = vy;
      one.vz = vz;
    }
    for (let i = 0; i < 5; i++) {
      const one = bodies[i];
      one.x += dt * one.vx;
      one.y += dt * one.vy;
      one.z += dt * one.vz;
    }
  }
  let sum = 0;
  for (const body of bodies) sum += body.x + body.y + body.z;
  return Math.trunc(sum * 1000000);
};

programs.strings = (n) => {
  let line = '';
  for (let i = 0; i < n; i++) line += 'item' + i + ',';
  const parts = line.split(',');
  let bytes = 0;
  for (const part of parts) bytes += part.length;
  return bytes + parts.length;
};

programs.words = (n) => {
  const list = [];
  let seed = 42;
  for (let i = 0; i < n; i++) {
    seed = seed * 16807 % 2147483647;
    list.push('w' + seed % 1000);
  }
  const counts = {};
  for (const word of list) counts[word] = (counts[word] || 0) + 1;
  let squares = 0;
  for (const count of Object.values(counts)) squares += count * count;
  return squares + Object.keys(counts).length;
};

programs.matmul = (n) => {
  const a = [], b = [], c = [];
  for (let i = 0; i < n; i++) {
    const rowA = [], rowB = [], rowC = [];
    for (let j = 0; j < n; j++) {
      rowA.push((i * n + j) % 7 + 0.5);
      rowB.push((i * n + j) % 5 + 0.25);
      rowC.push(0);
    }
    a.push(rowA);
    b.push(rowB);
    c.push(rowC);
  }
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < n; j++) {
      let sum = 0;
      for (let k = 0; k < n; k++) sum += a[i][k] * b[k][j];
      c[i][j] = sum;
    }
  }
  let trace = 0;
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) trace += c[i][j];
  return Math.trunc(trace);
};

programs.mandel = (n) => {
  let total = 0;
  for (let row = 0; row < n; row++) {
    for (let column = 0; column < n; column++) {
      const re = 3.0 * column / n - 2.0, im = 2.0 * row / n - 1.0;
      let x = 0.0, y = 0.0, rounds = 0;
      while (rounds < 100 && x * x + y * y <= 4.0) {
        const next = x * x - y * y + re;
        y = 2.0 * x * y + im;
        x = next;
        rounds++;
      }
      total += rounds;
    }
  }
  return total;
};

programs.sortcmp = (n) => {
  const numbers = [];
  let seed = 7;
  for (let i = 0; i < n; i++) {
    seed = seed * 16807 % 2147483647;
    numbers.push(seed % 100000);
  }
  numbers.sort((a, b) => a - b);
  let sum = 0;
  for (let i = 0; i < n; i += 1000) sum += numbers[i] * (i + 1);
  return sum;
};

function grow(id, depth) {
  const children = [];
  if (depth > 0) for (let k = 1; k <= 4; k++) children.push(grow(id * 4 + k, depth - 1));
  return {id, kind: 'n' + id % 10, tags: [id % 3, id % 5], children};
}

function visit(node) {
  let sum = node.id;
  if (node.kind === 'n3') sum += 1;
  for (const tag of node.tags) sum += tag;
  for (const child of node.children) sum += visit(child);
  return sum;
}

programs.tree = (depth) => {
  const root = grow(0, depth);
  let sum = 0;
  for (let i = 0; i < 10; i++) sum += visit(root);
  return sum;
};
programs.tree_ref = programs.tree;

const cpu = () => {
  const used = process.cpuUsage();
  return (used.user + used.system) / 1e6;
};

require('readline').createInterface({input: process.stdin}).on('line', (line) => {
  const [name, size, seconds] = line.split(' ');
  let runs = 0, result;
  const began = cpu();
  do {
    result = programs[name](Number(size));
    runs++;
  } while (cpu() - began < Number(seconds));
  process.stdout.write(`${((cpu() - began) / runs).toFixed(9)} ${result}\n`);
});
