//! Properties of object maps.
//!
//! A small map is two short arrays, of keys and of values (see [`crate::layout::maps`]), so all there is to find out is
//! which entry a property is. That is guessed: from the names that inference knows, or else from where the property was
//! the last time. A guess is used after its key has been compared, so a wrong one costs a look-up and nothing else.

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{Block, BlockArg, InstBuilder, Value, types};
use rhai::Dynamic;

use super::function::FunctionGen;
use super::helpers::Helper;
use super::path::Walk;
use crate::layout::maps::{ENTRIES_MAX, KEY_SIZE, KeyImage, MapLayout};
use crate::layout::{Layout, SIZE};
use crate::rt::chain::{Guess, RuntimeKey};
use crate::ty::Ty;

/// What a missing entry reads as.
static NOTHING: Dynamic = Dynamic::UNIT;

/// Which entry of a map a property may be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Guessed {
    /// Always this one, of so many.
    Rank(usize, usize),
    /// The one that it was the last time.
    Latest,
    /// The map is known to be too large.
    Nothing,
}

impl Guessed {
    /// The guess for a map of this type.
    pub(super) fn of(map: &Ty, name: &str) -> Self {
        let Ty::Map(record) = map else { return Self::Latest };
        if record.fields.len() > ENTRIES_MAX {
            return Self::Nothing;
        }
        let rank = record.fields.keys().position(|field| **field == *name);
        rank.filter(|_| record.rest.is_none())
            .map_or(Self::Latest, |rank| Self::Rank(rank, record.fields.len()))
    }
}

/// What an inline look-up is made of.
struct Inline {
    layout: &'static Layout,
    maps: MapLayout,
    image: KeyImage,
    rank: Result<usize, *const Guess>,
}

impl FunctionGen<'_, '_> {
    /// Address of a property of the map at `walk.place`; what happens when it is missing, [`FunctionGen::entry`] says.
    pub(super) fn property(&mut self, walk: &Walk, name: &str, guessed: Guessed) -> Value {
        self.property_or(walk.place, name, guessed, |function, key, guess| {
            let found = match guess {
                None => function.look_up(Helper::MapGet, [walk.place, key], guessed),
                Some(guess) => function.call_value(Helper::MapFind, &[walk.place, key, guess]),
            };
            function.entry(found, walk)
        })
    }

    /// Address of a property that is assigned to; a missing one is added as unit.
    pub(super) fn property_to_be(&mut self, map: Value, name: &str, guessed: Guessed) -> Value {
        self.property_or(map, name, guessed, |function, key, guess| match guess {
            None => function.look_up(Helper::MapInsert, [map, key], guessed),
            Some(guess) => function.call_value(Helper::MapPlace, &[map, key, guess]),
        })
    }

    /// Calls a helper, which hardly ever happens when a rank was guessed.
    fn look_up(&mut self, helper: Helper, arguments: [Value; 2], guessed: Guessed) -> Value {
        match guessed {
            Guessed::Rank(..) => self.call_rarely(helper, &arguments),
            _ => self.call_value(helper, &arguments),
        }
    }

    /// The entry that is guessed; when it is not the one, what `look_up` finds with the key and where to remember it.
    fn property_or(
        &mut self,
        map: Value,
        name: &str,
        guessed: Guessed,
        look_up: impl FnOnce(&mut Self, Value, Option<Value>) -> Value,
    ) -> Value {
        let key = self.generator.pool.keep(RuntimeKey::new(name));
        let Some(inline) = self.inline_property(name, guessed) else {
            let key = self.pointer(key);
            return look_up(self, key, None);
        };
        let (other, done) = (self.cold_block(), self.builder.create_block());
        let place = self.builder.append_block_param(done, types::I64);
        let value = self.guessed_entry(map, &inline, other);
        self.builder.ins().jump(done, &[BlockArg::Value(value)]);
        self.builder.switch_to_block(other);
        let key = self.pointer(key);
        let guess = inline.rank.err().map(|guess| self.pointer(guess));
        let found = look_up(self, key, guess);
        self.builder.ins().jump(done, &[BlockArg::Value(found)]);
        self.builder.switch_to_block(done);
        place
    }

    fn inline_property(&mut self, name: &str, guessed: Guessed) -> Option<Inline> {
        let layout = self.layout?;
        let (maps, image) = (layout.maps?, KeyImage::of(name)?);
        let rank = match guessed {
            Guessed::Rank(rank, _) => Ok(rank),
            Guessed::Latest => Err(self.generator.pool.keep(Guess::default())),
            Guessed::Nothing => return None,
        };
        Some(Inline { layout, maps, image, rank })
    }

    /// Address of the value of the entry that is guessed; `other` is where to go when it is not the one.
    fn guessed_entry(&mut self, map: Value, inline: &Inline, other: Block) -> Value {
        let Inline { layout, maps, image, rank } = inline;
        let tree = self.load(types::I64, map, layout.payload);
        let length = self.load(types::I64, tree, maps.length);
        let (there, index) = match rank {
            Ok(rank) => {
                let rank = i64::try_from(*rank).expect("it is small");
                (self.builder.ins().icmp_imm_u(IntCC::UnsignedGreaterThan, length, rank), None)
            }
            Err(site) => {
                let site = self.pointer(*site);
                let index = self.load(types::I32, site, Guess::INDEX);
                let index = self.builder.ins().uextend(types::I64, index);
                (self.builder.ins().icmp(IntCC::UnsignedGreaterThan, length, index), Some(index))
            }
        };
        self.only_if(there, other);
        let height = self.load(types::I64, tree, maps.height);
        let flat = self.builder.ins().icmp_imm_u(IntCC::Equal, height, 0);
        self.only_if(flat, other);
        let node = self.load(types::I64, tree, maps.root);
        // Keys and values from here on, by offsets.
        let (key, value, key_offset, value_offset) = match (rank, index) {
            (_, Some(index)) => {
                let eightfold = self.builder.ins().ishl_imm_u(index, 3);
                let value_offset = self.builder.ins().ishl_imm_u(index, 4);
                let value = self.builder.ins().iadd(node, value_offset);
                (self.builder.ins().iadd(value, eightfold), value, 0, 0)
            }
            (Ok(rank), None) => (node, node, rank * KEY_SIZE, rank * SIZE),
            (Err(_), None) => (node, node, 0, 0),
        };
        for (at, size, number) in image.telling() {
            let ty = match size {
                1 => types::I8,
                4 => types::I32,
                _ => types::I64,
            };
            let found = self.load(ty, key, maps.keys + key_offset + at);
            let same = self.builder.ins().icmp_imm_u(IntCC::Equal, found, number.cast_signed());
            self.only_if(same, other);
        }
        let offset = i64::try_from(maps.values + value_offset).expect("nodes are small");
        self.builder.ins().iadd_imm_u(value, offset)
    }

    /// Goes on here when the condition holds.
    pub(super) fn only_if(&mut self, condition: Value, other: Block) {
        let fine = self.builder.create_block();
        self.builder.ins().brif(condition, fine, &[], other, &[]);
        self.builder.switch_to_block(fine);
    }

    /// A missing entry reads as unit, unless the engine says otherwise. One that is written to is there when inference
    /// says so, which is checked.
    pub(super) fn entry(&mut self, found: Value, walk: &Walk) -> Value {
        if !walk.writes && !self.generator.options.missing_is_error {
            let nothing = self.pointer(&raw const NOTHING);
            return self.builder.ins().select(found, found, nothing);
        }
        let fine = self.builder.create_block();
        if let Some(slow) = walk.slow {
            self.builder.ins().brif(found, fine, &[], slow, &[]);
        } else {
            let missing = self.cold_block();
            self.builder.ins().brif(found, fine, &[], missing, &[]);
            self.builder.switch_to_block(missing);
            let (context, position) = (self.context, self.position(0));
            self.call_value(Helper::Unexpected, &[context, walk.place, position]);
            self.jump_to_handler();
        }
        self.builder.switch_to_block(fine);
        found
    }
}

#[cfg(test)]
mod tests;
