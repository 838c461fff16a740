//! What is known of containers while code is generated, so that it is not found out again.
//!
//! Where the items of an array are, how many there are, where an element is, where the entries of a map are: as long
//! as nothing changes the shape of the variable that they belong to, such addresses stay what they are. A loop that
//! leaves a variable's shape alone looks for them once, before it begins. A fact holds from where it was found to the
//! end of the construct that it was found in; whatever may change the variable, or the index that leads to the part,
//! ends it.
//!
//! A fact that was found before a loop for a part that may not be there is a hint: it leads to the part when it is
//! there, and says that there is nothing otherwise, which is the sign to walk from the start.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{BlockArg, InstBuilder, Value, types};

use super::function::{FunctionGen, Home};
use super::helpers::Helper;
use super::path::Walk;
use crate::ir::{ChainExpr, ChainRoot, Expr, Kind, LocalId, Place, visit};
use crate::layout::SIZE;
use crate::rt::chain::{RuntimeKey, StepKind};
use crate::ty::Ty;

mod entries;

/// An index that is the same wherever it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// This variable, which lives in a register.
    Local(LocalId),
    /// This number.
    Number(i64),
}

/// A variable, or an element of the array in it.
pub(super) type At = (LocalId, Option<Key>);

/// Something that is known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fact {
    number: u32,
    at: At,
    what: What,
}

#[derive(Debug, Clone, Copy)]
enum What {
    /// The items of the array there and their number; of a hint, the number is 0 when there may be more.
    Items { items: Value, length: Value, hint: bool },
    /// The address of the element.
    Address(Value),
    /// The only node of the map there, or 0.
    Node(Value),
    /// The address of the map's entry by this key, or 0 when there is none.
    Entry(Value),
}

/// The property of a map whose entries are all known.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'n> {
    pub(super) name: &'n str,
    /// Its place among the entries.
    pub(super) rank: usize,
    /// The number of entries.
    pub(super) entries: usize,
}

impl<'f> FunctionGen<'_, 'f> {
    /// Generates code that may not be run; what is found out there is forgotten after it.
    pub(super) fn scoped<T>(&mut self, generate: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.next_fact;
        let value = generate(self);
        self.facts.retain(|fact| fact.number < before);
        value
    }

    fn learn(&mut self, at: Option<At>, what: What) {
        if let Some(at) = at {
            self.facts.push(Fact { number: self.next_fact, at, what });
            self.next_fact += 1;
        }
    }

    fn known<T>(&self, at: Option<At>, select: impl Fn(What) -> Option<T>) -> Option<T> {
        let at = at?;
        self.facts.iter().filter(|fact| fact.at == at).find_map(|fact| select(fact.what))
    }

    fn known_items(&self, at: Option<At>, hints: bool) -> Option<(Value, Value)> {
        self.known(at, |what| match what {
            What::Items { items, length, hint } if hint == hints => Some((items, length)),
            _ => None,
        })
    }

    /// Whether an index is the same wherever it is written, as long as no variable changes.
    pub(super) fn index_key(&self, index: &Expr) -> Option<Key> {
        match &index.kind {
            Kind::Int(number) => Some(Key::Number(*number)),
            Kind::Local(local) => matches!(&self.homes[*local as usize], Home::Register(_, Ty::Int))
                .then_some(Key::Local(*local)),
            _ => None,
        }
    }

    /// Where a walk starts, if facts may be had of it: at a variable that nobody else can change.
    pub(super) fn walk_start(&self, root: &ChainRoot) -> Option<At> {
        match root {
            ChainRoot::Place(Place::Local { local, .. })
                if !self.function.locals[*local as usize].captured
                    && !self.homes[*local as usize].is_register() =>
            {
                Some((*local, None))
            }
            _ => None,
        }
    }

    /// After a node: what it may have changed is not known any more.
    pub(super) fn forget(&mut self, expr: &'f Expr) {
        if self.facts.is_empty() {
            return;
        }
        let mut facts = std::mem::take(&mut self.facts);
        facts.retain(|fact| !self.ends(expr, fact));
        self.facts = facts;
    }

    /// Whether this very node ends a fact.
    fn ends(&self, expr: &'f Expr, fact: &Fact) -> bool {
        let (root, key) = fact.at;
        self.reshapes(expr, root) || matches!(key, Some(Key::Local(index)) if visit::may_write(expr, index))
    }

    /// Whether this very node may change where the parts of a variable are. Assigning a scalar to a part that is one
    /// does not.
    fn reshapes(&self, expr: &'f Expr, local: LocalId) -> bool {
        if !self.may_change(expr, local) {
            return false;
        }
        let Kind::Chain(chain) = &expr.kind else { return true };
        let is_scalar = || {
            let plan = self.plan(chain, chain.chain.steps.len());
            plan.is_some_and(|plan| !plan.tests && plan.is_part() && plan.ty.is_scalar())
        };
        chain.chain.assign.is_none() || !is_scalar()
    }

    /// Before a loop: forgets what does not hold in all of its rounds, and finds out what does.
    pub(super) fn enter_loop_facts(&mut self, expr: &'f Expr) {
        if self.layout.is_none() {
            return;
        }
        let mut facts = std::mem::take(&mut self.facts);
        facts.retain(|fact| !any(expr, &mut |part| self.ends(part, fact)));
        self.facts = facts;
        let mut chains = Vec::new();
        any(expr, &mut |part| {
            if let Kind::Chain(chain) = &part.kind
                && let Some((local, None)) = self.walk_start(&chain.root)
                && matches!(self.instance.locals[local as usize], Ty::Array(_))
            {
                chains.push((local, &**chain));
            }
            false
        });
        let mut changed: Vec<LocalId> = chains.iter().map(|(local, _)| *local).collect();
        changed.sort_unstable();
        changed.dedup();
        changed.retain(|local| any(expr, &mut |part| self.reshapes(part, *local)));
        for (local, chain) in chains {
            if !changed.contains(&local) {
                self.look_ahead(expr, local, chain);
            }
        }
    }

    /// Finds out where the items are that a chain in a loop goes through.
    fn look_ahead(&mut self, around: &'f Expr, local: LocalId, chain: &'f ChainExpr) {
        let at = (local, None);
        let Some(StepKind::Index { .. }) = chain.chain.steps.first().map(|step| &step.kind) else { return };
        let Ty::Array(row) = &self.instance.locals[local as usize] else { return };
        let index = &chain.arguments[0];
        if *self.node_ty(index) != Ty::Int {
            return;
        }
        let (items, length) = if let Some(known) = self.known_items(Some(at), false) {
            known
        } else {
            let home = self.home(local);
            let Some(address) = self.home_address(&home) else { return };
            let (items, length) = self.array_parts(address);
            self.learn(Some(at), What::Items { items, length, hint: false });
            (items, length)
        };
        let second = chain.chain.steps.get(1).map(|step| &step.kind);
        let (Ty::Array(_), Some(StepKind::Index { .. })) = (&**row, second) else { return };
        let Some(key) = self.index_key(index) else { return };
        let stays = match key {
            Key::Local(index) => !any(around, &mut |part| visit::may_write(part, index)),
            Key::Number(number) => number >= 0,
        };
        let at = Some((local, Some(key)));
        let has = self.known_items(at, false).is_some() || self.known_items(at, true).is_some();
        if stays && !has && *self.node_ty(&chain.arguments[1]) == Ty::Int {
            self.row_hint(at, key, (items, length));
        }
    }

    /// The items of a row, if there is such a row.
    fn row_hint(&mut self, at: Option<At>, key: Key, (items, length): (Value, Value)) {
        let index = match key {
            Key::Number(number) => self.builder.ins().iconst(types::I64, number),
            Key::Local(local) => {
                let Home::Register(variable, _) = self.home(local) else { return };
                self.builder.use_var(variable)
            }
        };
        let (there, done) = (self.builder.create_block(), self.builder.create_block());
        let row_items = self.builder.append_block_param(done, types::I64);
        let row_length = self.builder.append_block_param(done, types::I64);
        let inside = self.builder.ins().icmp(IntCC::UnsignedLessThan, index, length);
        let zero = self.builder.ins().iconst(types::I64, 0);
        let nothing = [BlockArg::Value(zero), BlockArg::Value(zero)];
        self.builder.ins().brif(inside, there, &[], done, &nothing);
        self.builder.switch_to_block(there);
        let row = self.item_address(items, index);
        let (found, count) = self.array_parts(row);
        self.builder.ins().jump(done, &[BlockArg::Value(found), BlockArg::Value(count)]);
        self.builder.switch_to_block(done);
        self.learn(at, What::Items { items: row_items, length: row_length, hint: true });
    }

    pub(super) fn item_address(&mut self, items: Value, index: Value) -> Value {
        let offset = self.builder.ins().ishl_imm_u(index, 4);
        self.builder.ins().iadd(items, offset)
    }

    /// The items of the array that a walk is at.
    pub(super) fn items_at(&mut self, walk: &Walk) -> (Value, Value) {
        if let Some(known) = self.known_items(walk.at, false) {
            return known;
        }
        let (items, length) = self.array_parts(walk.place);
        self.learn(walk.at, What::Items { items, length, hint: false });
        (items, length)
    }

    /// One step to an element. A row that is known by a hint is not walked to: the next step starts from the hint.
    pub(super) fn step_to_element(
        &mut self,
        walk: &mut Walk,
        (index, key): (Value, Option<Key>),
        known: bool,
        position: u32,
    ) {
        if let Some(deferred) = walk.deferred.take() {
            let hint = self.known_items(walk.at, true).expect("the step was put off because of it");
            walk.place = self.element_by_hint(walk.place, hint, [deferred, (index, position)]);
            walk.at = None;
            return;
        }
        let at = match (walk.at, key) {
            (Some((local, None)), Some(key)) => Some((local, Some(key))),
            _ => None,
        };
        let address = self.known(at, |what| match what {
            What::Address(address) => Some(address),
            _ => None,
        });
        if let Some(address) = address {
            walk.place = address;
        } else if known && self.known_items(at, true).is_some() {
            walk.deferred = Some((index, position));
        } else {
            let parts = self.items_at(walk);
            walk.place = self.element_in(parts, walk, index, known, position);
            self.learn(at, What::Address(walk.place));
        }
        walk.at = at;
    }

    /// Takes a step that was put off.
    pub(super) fn catch_up(&mut self, walk: &mut Walk) {
        if let Some((index, position)) = walk.deferred.take() {
            let parts = self.array_parts(walk.place);
            walk.place = self.element_in(parts, walk, index, true, position);
        }
    }

    /// The element of an element: at once if the hint reaches it, else from the start.
    fn element_by_hint(
        &mut self,
        start: Value,
        (items, length): (Value, Value),
        [first, second]: [(Value, u32); 2],
    ) -> Value {
        let (fast, other, done) =
            (self.builder.create_block(), self.cold_block(), self.builder.create_block());
        let place = self.builder.append_block_param(done, types::I64);
        let inside = self.builder.ins().icmp(IntCC::UnsignedLessThan, second.0, length);
        self.builder.ins().brif(inside, fast, &[], other, &[]);
        self.builder.switch_to_block(fast);
        let found = self.item_address(items, second.0);
        self.builder.ins().jump(done, &[BlockArg::Value(found)]);
        self.builder.switch_to_block(other);
        let mut walk = Walk { place: start, slow: None, writes: false, at: None, deferred: None };
        for (index, position) in [first, second] {
            let parts = self.array_parts(walk.place);
            walk.place = self.element_in(parts, &walk, index, true, position);
        }
        self.builder.ins().jump(done, &[BlockArg::Value(walk.place)]);
        self.builder.switch_to_block(done);
        place
    }

    /// Address of a property of a map whose entries are known; none where the entries of maps are out of reach.
    pub(super) fn step_to_field(&mut self, walk: &Walk, field: Field<'_>) -> Option<Value> {
        let layout = self.layout?;
        let maps = layout.maps?;
        let known = self.known(walk.at, |what| match what {
            What::Node(node) => Some(node),
            _ => None,
        });
        let node = known.unwrap_or_else(|| {
            let tree = self.load(types::I64, walk.place, layout.payload);
            let length = self.load(types::I64, tree, maps.length);
            let height = self.load(types::I64, tree, maps.height);
            let root = self.load(types::I64, tree, maps.root);
            let entries = i64::try_from(field.entries).expect("maps are small");
            let all = self.builder.ins().icmp_imm_u(IntCC::Equal, length, entries);
            let flat = self.builder.ins().icmp_imm_u(IntCC::Equal, height, 0);
            let fits = self.builder.ins().band(all, flat);
            let nothing = self.number(0);
            let node = self.builder.ins().select(fits, root, nothing);
            self.learn(walk.at, What::Node(node));
            node
        });
        let (fast, other, done) =
            (self.builder.create_block(), self.cold_block(), self.builder.create_block());
        let place = self.builder.append_block_param(done, types::I64);
        self.builder.ins().brif(node, fast, &[], other, &[]);
        self.builder.switch_to_block(fast);
        let offset = i64::try_from(maps.values + field.rank * SIZE).expect("nodes are small");
        let found = self.builder.ins().iadd_imm_u(node, offset);
        self.builder.ins().jump(done, &[BlockArg::Value(found)]);
        self.builder.switch_to_block(other);
        let key = self.generator.pool.keep(RuntimeKey::new(field.name));
        let key = self.pointer(key);
        let found = self.call_rarely(Helper::MapGet, &[walk.place, key]);
        let found = self.entry(found, walk);
        self.builder.ins().jump(done, &[BlockArg::Value(found)]);
        self.builder.switch_to_block(done);
        Some(place)
    }
}

/// Whether the test holds for the node or any part of it.
fn any<'e>(expr: &'e Expr, test: &mut dyn FnMut(&'e Expr) -> bool) -> bool {
    if test(expr) {
        return true;
    }
    let mut found = false;
    visit::parts(expr, &mut |part| found = found || any(part, test));
    found
}

#[cfg(test)]
mod tests;
