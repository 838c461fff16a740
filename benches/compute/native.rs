//! The programs in Rust, as one would write them: the yardstick.
//!
//! Arithmetic is unchecked, records are structures, and trees are walked by reference.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hint::black_box;

/// Runs the program of this name.
pub(crate) fn run(name: &str, size: i64) -> i64 {
    let size = black_box(size);
    let program = match name {
        "fib" => fib,
        "sieve" => sieve,
        "nbody" => nbody,
        "strings" => strings,
        "words" => words,
        "matmul" => matmul,
        "mandel" => mandel,
        "sortcmp" => sortcmp,
        "tree" | "tree_ref" => tree,
        other => panic!("there is no program {other}"),
    };
    black_box(program(size))
}

fn index(number: i64) -> usize {
    usize::try_from(number).expect("sizes are small")
}

fn count(number: usize) -> i64 {
    i64::try_from(number).expect("sizes are small")
}

#[expect(clippy::cast_precision_loss, reason = "small numbers")]
fn float(number: i64) -> f64 {
    number as f64
}

#[expect(clippy::cast_possible_truncation, reason = "small numbers")]
fn int(number: f64) -> i64 {
    number as i64
}

fn fib(n: i64) -> i64 {
    if n < 2 { n } else { fib(n - 1) + fib(n - 2) }
}

fn sieve(limit: i64) -> i64 {
    let limit = index(limit);
    let mut prime = vec![true; limit + 1];
    let mut p = 2;
    while p * p <= limit {
        if prime[p] {
            for multiple in (p * p..=limit).step_by(p) {
                prime[multiple] = false;
            }
        }
        p += 1;
    }
    count(prime[2..].iter().filter(|prime| **prime).count())
}

#[derive(Clone, Copy)]
struct Body {
    place: [f64; 3],
    speed: [f64; 3],
    mass: f64,
}

fn planets() -> [Body; 5] {
    let mass = 4.0 * std::f64::consts::PI * std::f64::consts::PI;
    let body = |place, speed: [f64; 3], share| Body {
        place,
        speed: speed.map(|speed| speed * 365.24),
        mass: share * mass,
    };
    [
        body([0.0; 3], [0.0; 3], 1.0),
        body(
            [4.841_431_442_464_721, -1.160_320_044_027_428_4, -0.103_622_044_471_123_11],
            [0.001_660_076_642_744_037, 0.007_699_011_184_197_404, -0.000_069_046_001_697_206_3],
            0.000_954_791_938_424_326_6,
        ),
        body(
            [8.343_366_718_244_58, 4.124_798_564_124_305, -0.403_523_417_114_321_4],
            [-0.002_767_425_107_268_624, 0.004_998_528_012_349_172, 0.000_023_041_729_757_376_39],
            0.000_285_885_980_666_130_8,
        ),
        body(
            [12.894_369_562_139_131, -15.111_151_401_698_631, -0.223_307_578_892_655_73],
            [0.002_964_601_375_647_616, 0.002_378_471_739_594_809_5, -0.000_029_658_956_854_023_756],
            0.000_043_662_440_433_515_63,
        ),
        body(
            [15.379_697_114_850_917, -25.919_314_609_987_964, 0.179_258_772_950_371_18],
            [0.002_680_677_724_903_893_2, 0.001_628_241_700_382_423, -0.000_095_159_225_451_971_59],
            0.000_051_513_890_204_661_15,
        ),
    ]
}

fn nbody(steps: i64) -> i64 {
    let mut bodies = planets();
    let dt = 0.01;
    for _ in 0..steps {
        for i in 0..bodies.len() {
            let (before, after) = bodies.split_at_mut(i + 1);
            let one = &mut before[i];
            for two in after {
                let mut apart = [0.0; 3];
                for (axis, apart) in apart.iter_mut().enumerate() {
                    *apart = one.place[axis] - two.place[axis];
                }
                let square = apart[0] * apart[0] + apart[1] * apart[1] + apart[2] * apart[2];
                let pull = dt / (square * square.sqrt());
                for (axis, apart) in apart.iter().enumerate() {
                    one.speed[axis] -= apart * (two.mass * pull);
                    two.speed[axis] += apart * (one.mass * pull);
                }
            }
        }
        for body in &mut bodies {
            for axis in 0..3 {
                body.place[axis] += dt * body.speed[axis];
            }
        }
    }
    let sum: f64 = bodies.iter().map(|body| body.place[0] + body.place[1] + body.place[2]).sum();
    int(sum * 1_000_000.0)
}

fn strings(n: i64) -> i64 {
    let mut line = String::new();
    for i in 0..n {
        let _ = write!(line, "item{i},");
    }
    let parts: Vec<String> = line.split(',').map(str::to_owned).collect();
    let bytes: usize = parts.iter().map(String::len).sum();
    count(bytes + parts.len())
}

fn words(n: i64) -> i64 {
    let mut seed: i64 = 42;
    let mut list = Vec::new();
    for _ in 0..n {
        seed = seed * 16_807 % 2_147_483_647;
        list.push(format!("w{}", seed % 1000));
    }
    let mut counts: BTreeMap<String, i64> = BTreeMap::new();
    for word in &list {
        match counts.get_mut(word) {
            Some(count) => *count += 1,
            None => _ = counts.insert(word.clone(), 1),
        }
    }
    counts.values().map(|count| count * count).sum::<i64>() + count(counts.len())
}

fn matmul(n: i64) -> i64 {
    let size = index(n);
    let matrix = |modulus: i64, offset: f64| -> Vec<Vec<f64>> {
        (0..n).map(|i| (0..n).map(|j| float((i * n + j) % modulus) + offset).collect()).collect()
    };
    let (a, b) = (matrix(7, 0.5), matrix(5, 0.25));
    let mut c = vec![vec![0.0; size]; size];
    for i in 0..size {
        for j in 0..size {
            let mut sum = 0.0;
            for k in 0..size {
                sum += a[i][k] * b[k][j];
            }
            c[i][j] = sum;
        }
    }
    int(c.iter().flatten().sum())
}

fn mandel(n: i64) -> i64 {
    let mut total = 0;
    for row in 0..n {
        for column in 0..n {
            let re = 3.0 * float(column) / float(n) - 2.0;
            let im = 2.0 * float(row) / float(n) - 1.0;
            let (mut x, mut y, mut rounds) = (0.0, 0.0, 0);
            while rounds < 100 && x * x + y * y <= 4.0 {
                (x, y) = (x * x - y * y + re, 2.0 * x * y + im);
                rounds += 1;
            }
            total += rounds;
        }
    }
    total
}

fn sortcmp(n: i64) -> i64 {
    let mut seed: i64 = 7;
    let mut numbers = Vec::new();
    for _ in 0..n {
        seed = seed * 16_807 % 2_147_483_647;
        numbers.push(seed % 100_000);
    }
    numbers.sort_by(|a: &i64, b| (a - b).cmp(&0));
    (0..n).step_by(1000).map(|i| numbers[index(i)] * (i + 1)).sum()
}

struct Node {
    id: i64,
    kind: String,
    tags: Vec<i64>,
    children: Vec<Node>,
}

fn grow(id: i64, depth: i64) -> Node {
    let children =
        if depth > 0 { (1..=4).map(|k| grow(id * 4 + k, depth - 1)).collect() } else { Vec::new() };
    Node { id, kind: format!("n{}", id % 10), tags: vec![id % 3, id % 5], children }
}

fn visit(node: &Node) -> i64 {
    let own = node.id + i64::from(node.kind == "n3");
    own + node.tags.iter().sum::<i64>() + node.children.iter().map(visit).sum::<i64>()
}

fn tree(depth: i64) -> i64 {
    let root = grow(0, depth);
    (0..10).map(|_| visit(black_box(&root))).sum()
}
