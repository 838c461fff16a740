//! The tree of path segments.
//!
//! A node stands for a path so far; its children are kept by kind, so that the order of preference is the
//! order of the fields. All nodes of all hosts live in one vector and name each other by position.
//!
//! The walk is recursive, as deep as the longest pattern has segments, and visits no node twice for one
//! path; so its cost is bounded by the configuration, whatever a client sends.

use std::collections::HashMap;
use std::ops::{ControlFlow, Range};

use super::pattern::{Mixed, PARAMS_MAX, Segment};

/// Position of a node in the trie.
pub(super) type NodeId = u32;

/// All nodes.
#[derive(Debug, Default)]
pub(super) struct Trie {
    nodes: Vec<Node>,
}

#[derive(Debug, Default)]
struct Node {
    literals: HashMap<Box<str>, NodeId>,
    /// Most specific first.
    mixed: Vec<(Mixed, NodeId)>,
    param: Option<NodeId>,
    /// Routes whose pattern ends with a tail here, first asked first.
    tail: Vec<u32>,
    /// Routes whose pattern ends here, first asked first.
    here: Vec<u32>,
}

/// Where the parameters of a pattern are in the decoded path.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Captures {
    ranges: [(u32, u32); PARAMS_MAX],
    len: usize,
}

impl Captures {
    /// Adds the next parameter. Patterns have at most [`PARAMS_MAX`], which parsing has checked.
    pub(super) fn push(&mut self, range: Range<usize>) {
        let bound = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        self.ranges[self.len] = (bound(range.start), bound(range.end));
        self.len += 1;
    }

    /// The ranges, leftmost parameter first.
    pub(super) fn iter(&self) -> impl Iterator<Item = Range<usize>> {
        self.ranges[..self.len].iter().map(|(start, end)| *start as usize..*end as usize)
    }
}

impl Trie {
    /// Adds an empty root.
    pub(super) fn add_root(&mut self) -> NodeId {
        self.add_node()
    }

    fn add_node(&mut self) -> NodeId {
        let id = NodeId::try_from(self.nodes.len()).expect("a configuration file has under 2^32 segments");
        self.nodes.push(Node::default());
        id
    }

    /// The list of routes that end with these segments, created if new.
    pub(super) fn routes_at(&mut self, root: NodeId, segments: &[Segment]) -> &mut Vec<u32> {
        let mut node = root;
        for segment in segments {
            let fresh = NodeId::try_from(self.nodes.len()).unwrap_or(NodeId::MAX);
            let children = &mut self.nodes[node as usize];
            node = match segment {
                Segment::Literal(text) => *children.literals.entry(text.clone()).or_insert(fresh),
                Segment::Param => *children.param.get_or_insert(fresh),
                Segment::Mixed(mixed) => children.mixed_child(mixed, fresh),
                Segment::Tail => return &mut self.nodes[node as usize].tail,
            };
            if node == fresh {
                self.add_node();
            }
        }
        &mut self.nodes[node as usize].here
    }

    /// Sorts every list of routes by `key`, smallest first, and hands each to `check`.
    pub(super) fn finish<K: Ord>(&mut self, key: impl Fn(u32) -> K, mut check: impl FnMut(&[u32])) {
        for node in &mut self.nodes {
            for list in [&mut node.here, &mut node.tail] {
                list.sort_by_key(|entry| key(*entry));
                check(list);
            }
        }
    }

    /// Presents the routes whose pattern matches, most specific first.
    pub(super) fn visit(
        &self,
        root: NodeId,
        path: &str,
        candidate: &mut impl FnMut(usize, &Captures) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        if !path.starts_with('/') {
            return ControlFlow::Continue(());
        }
        Walk { trie: self, path, candidate, captures: Captures::default() }.segment(root, 1)
    }
}

impl Node {
    fn mixed_child(&mut self, mixed: &Mixed, fresh: NodeId) -> NodeId {
        if let Some((_, child)) = self.mixed.iter().find(|(known, _)| known == mixed) {
            return *child;
        }
        // After those of equal rank: they were written earlier.
        let at = self.mixed.partition_point(|(known, _)| known.rank() <= mixed.rank());
        self.mixed.insert(at, (mixed.clone(), fresh));
        fresh
    }
}

/// One walk through the trie.
struct Walk<'t, 'p, F> {
    trie: &'t Trie,
    path: &'p str,
    candidate: &'t mut F,
    captures: Captures,
}

impl<F: FnMut(usize, &Captures) -> ControlFlow<()>> Walk<'_, '_, F> {
    /// Matches the segment that starts at `start` against the children of a node. Leaves the captures as it
    /// found them, unless the walk breaks.
    fn segment(&mut self, node: NodeId, start: usize) -> ControlFlow<()> {
        let node = &self.trie.nodes[node as usize];
        let rest = &self.path[start..];
        let end = rest.find('/').map_or(self.path.len(), |slash| start + slash);
        let captured = self.captures.len;
        if !node.literals.is_empty()
            && let Some(child) = node.literals.get(&self.path[start..end])
        {
            self.descend(*child, end)?;
        }
        for (mixed, child) in &node.mixed {
            if mixed.matches(self.path, start..end, &mut self.captures) {
                self.descend(*child, end)?;
            }
            self.captures.len = captured;
        }
        if let Some(child) = node.param
            && start < end
        {
            self.captures.push(start..end);
            self.descend(child, end)?;
            self.captures.len = captured;
        }
        if !node.tail.is_empty() {
            self.captures.push(start..self.path.len());
            self.present(&node.tail)?;
            self.captures.len = captured;
        }
        ControlFlow::Continue(())
    }

    /// Goes on after the segment that ended at `end`.
    fn descend(&mut self, node: NodeId, end: usize) -> ControlFlow<()> {
        if end == self.path.len() {
            self.present(&self.trie.nodes[node as usize].here)
        } else {
            self.segment(node, end + 1)
        }
    }

    fn present(&mut self, routes: &[u32]) -> ControlFlow<()> {
        routes.iter().try_for_each(|route| (self.candidate)(*route as usize, &self.captures))
    }
}
