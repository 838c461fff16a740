//! Reading Cranelift's text: which lines lie in loops, and which are dangerous.

use std::collections::{BTreeMap, BTreeSet};

/// Lines of each block, without its header.
fn blocks(text: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut blocks: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut current = None;
    for line in text.lines() {
        if line.starts_with("block") {
            let name = line.split(['(', ':', ' ']).next().unwrap_or_default();
            blocks.entry(name).or_default();
            current = Some(name);
        } else if let (Some(name), true) = (current, line.starts_with("    ")) {
            blocks.entry(name).or_default().push(line.trim());
        }
    }
    blocks
}

/// Blocks that a block may go to.
fn targets<'t>(lines: &[&'t str]) -> Vec<&'t str> {
    let Some(last) = lines.last() else { return Vec::new() };
    let words = last.split(|c: char| !c.is_ascii_alphanumeric());
    words
        .filter(|word| word.strip_prefix("block").is_some_and(|number| number.parse::<u32>().is_ok()))
        .collect()
}

/// Lines of all blocks that can be reached from themselves.
pub(super) fn loops(text: &str) -> Vec<&str> {
    let blocks = blocks(text);
    let mut found = Vec::new();
    for (name, lines) in &blocks {
        let mut reached = BTreeSet::new();
        let mut next = targets(lines);
        while let Some(block) = next.pop() {
            if reached.insert(block) {
                next.extend(blocks.get(block).map(|lines| targets(lines)).unwrap_or_default());
            }
        }
        if reached.contains(name) {
            found.extend(lines);
        }
    }
    found
}

/// Instructions that raise a hardware fault on some operands. Division does too, but for what is tested before it.
const TRAPPING: [&str; 8] =
    ["trap", "trapz", "trapnz", "uadd_overflow_trap", "fcvt_to_sint", "fcvt_to_uint", "udiv", "urem"];

/// Lines that are dangerous: instructions that trap, accesses to memory that may, and alias regions, which Cranelift
/// mistakes when they are mixed with accesses that have none.
pub(super) fn hazards(text: &str) -> Vec<String> {
    let dangerous = |line: &&str| {
        let operation = line.split_once(" = ").map_or(*line, |(_, operation)| operation);
        let mut words = operation.split_whitespace();
        let name = words.next().unwrap_or_default().split('.').next().unwrap_or_default();
        let accesses =
            ["load", "store", "uload", "sload", "istore", "atomic"].iter().any(|it| name.starts_with(it));
        let region = operation.split_whitespace().any(|word| word.starts_with("region"));
        TRAPPING.contains(&name) || region || (accesses && !operation.contains("notrap"))
    };
    let mut found: Vec<String> =
        blocks(text).values().flatten().filter(|line| dangerous(line)).map(ToString::to_string).collect();
    let preamble = text.lines().map(str::trim).take_while(|line| !line.starts_with("block"));
    found.extend(preamble.filter(|line| line.starts_with("region")).map(ToOwned::to_owned));
    found
}

#[test]
fn loops_are_found_without_what_leaves_them() {
    let text = "function u0:0(i64) -> i8 {\nblock0(v0: i64):\n    call fn0()\n    jump block1(v0)\n\n\
                block1(v1: i64):\n    v2 = icmp_imm eq v1, 0\n    brif v2, block2, block3\n\n\
                block3 cold:\n    call fn1()\n    return v1\n\nblock2:\n    v3 = iadd v1, v1\n    jump block1(v3)\n}\n";
    assert_eq!(
        loops(text),
        ["v2 = icmp_imm eq v1, 0", "brif v2, block2, block3", "v3 = iadd v1, v1", "jump block1(v3)"]
    );
}

#[test]
fn hazards_are_seen() {
    let text = "function u0:0() {\n    region0 = \"heap\"\nblock0:\n    v1 = load.i64 notrap aligned v0\n    \
                v2 = load.i64 aligned v0\n    store notrap aligned region0 v2, v0\n    trapz v1, user1\n    \
                v3 = fcvt_to_sint_sat.i64 v4\n    v5 = fcvt_to_sint.i64 v4\n    v6 = sdiv v1, v2\n    return\n}\n";
    assert_eq!(
        hazards(text),
        [
            "v2 = load.i64 aligned v0",
            "store notrap aligned region0 v2, v0",
            "trapz v1, user1",
            "v5 = fcvt_to_sint.i64 v4",
            "region0 = \"heap\""
        ]
    );
}
