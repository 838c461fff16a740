//! A closure that is called many times.
#![expect(unsafe_code, reason = "enters machine code and lends it values")]
#![expect(clippy::unnecessary_box_returns, reason = "errors travel boxed, as in the interpreter")]

use std::marker::PhantomData;
use std::ptr;

use rhai::{Dynamic, EvalAltResult, FnArgsVec, FnPtr, INT, Position};

use crate::rt::calls::callbacks::{Offer, Way};
use crate::rt::context::{CompiledFunction, Context, Status};
use crate::rt::errors::leaving;
use crate::rt::guard::RhaiResultOf;
use crate::rt::raw;

/// A closure and the row of its arguments, which is used again for every call.
pub(super) struct Closure<'c, 'a> {
    context: *mut Context<'a>,
    function: CompiledFunction,
    /// Curried values, then what is offered.
    row: Box<[Dynamic]>,
    curried: FnArgsVec<Dynamic>,
    /// What the last call has returned. It is looked at where machine code has put it.
    out: Dynamic,
    /// Places in the row.
    places: Places,
    /// Whether the values there can be lent.
    lent: [bool; 2],
    level: u64,
    at: Position,
    is_refused: bool,
    borrowed: PhantomData<&'c mut Context<'a>>,
}

/// Where in the row the offered values go.
#[derive(Clone, Copy)]
struct Places {
    /// Values that are arguments in any case begin here.
    leading: usize,
    /// The item, unless it is `this`.
    item: Option<usize>,
    /// Its number, if the closure wants it.
    index: Option<usize>,
}

impl<'c, 'a> Closure<'c, 'a> {
    /// A closure that is called by a native function which is called at `at`.
    pub(super) fn new(
        context: &'c mut Context<'a>,
        function: CompiledFunction,
        way: Way,
        offer: Offer,
        pointer: &FnPtr,
        at: Position,
    ) -> Self {
        let leading = pointer.curry().len();
        let after = leading + offer.arguments;
        let (item, count) = match way {
            Way::This(count) => (None, count - 1),
            Way::Moved(_, count) => (Some(after), count),
            Way::Plain(count) if offer.moved.is_some() => (Some(after), count),
            Way::Plain(count) => (None, count),
        };
        let index = after + usize::from(item.is_some());
        let index = (leading + count > index).then_some(index);
        let mut row: Vec<Dynamic> = pointer.curry().to_vec();
        row.resize(leading + count, Dynamic::UNIT);
        let is_lent = |place: usize| function.lent.get(place).is_some_and(|lent| *lent);
        let lent = match item {
            Some(place) => [is_lent(place), false],
            None => [is_lent(leading), is_lent(leading + 1)],
        };
        // The others are still there after a call, as the closure does not change them.
        let changed = pointer.curry().iter().enumerate().any(|(place, _)| !is_lent(place));
        let curried = if changed { pointer.curry().iter().cloned().collect() } else { FnArgsVec::new() };
        let level = context.level + 2;
        let is_refused = level > context.level_max || row.len() > context.engine.max_variables();
        Self {
            context,
            function,
            row: row.into(),
            curried,
            out: Dynamic::UNIT,
            places: Places { leading, item, index },
            lent,
            level,
            at,
            is_refused,
            borrowed: PhantomData,
        }
    }

    /// The name of the source that runs, for errors.
    pub(super) fn source(&self) -> String {
        // SAFETY: the context is ours for as long as this lives, and no code runs.
        unsafe { raw::context(self.context) }.global.source().unwrap_or_default().to_owned()
    }

    /// The value that comes before the item.
    pub(super) fn lead(&mut self, value: Dynamic) {
        self.row[self.places.leading] = value;
    }

    /// Calls it with an item and its number.
    pub(super) fn call(&mut self, item: &mut Dynamic, index: usize) -> RhaiResultOf<&mut Dynamic> {
        if let Some(place) = self.places.index {
            self.row[place] = number(index);
        }
        match self.places.item {
            None => self.enter(item)?,
            Some(place) => {
                let is_lent = self.lend(place, item, self.lent[0]);
                let result = self.enter(ptr::null_mut());
                self.clear(place, is_lent);
                result?;
            }
        }
        Ok(&mut self.out)
    }

    /// Calls it with two values and, if it wants it, their number.
    pub(super) fn call_pair(
        &mut self,
        one: &Dynamic,
        two: &Dynamic,
        index: usize,
    ) -> RhaiResultOf<&mut Dynamic> {
        if let Some(place) = self.places.index {
            self.row[place] = number(index);
        }
        let place = self.places.leading;
        let first = self.lend(place, one, self.lent[0]);
        let second = self.lend(place + 1, two, self.lent[1]);
        let result = self.enter(ptr::null_mut());
        self.clear(place, first);
        self.clear(place + 1, second);
        result?;
        Ok(&mut self.out)
    }

    /// Puts a value into the row: the bits alone when the closure leaves it as it is, a copy otherwise. A cell is
    /// always copied, since others may change what is in it.
    #[inline]
    fn lend(&mut self, place: usize, value: &Dynamic, is_lent: bool) -> bool {
        let is_lent = is_lent && !value.is_shared();
        let slot = &raw mut self.row[place];
        if is_lent {
            // SAFETY: the slot holds unit. What is there now is owned by `value` alone: it is read and nothing else
            // until `clear` takes it away, and machine code does not unwind.
            unsafe { ptr::copy_nonoverlapping(value, slot, 1) };
        } else {
            self.row[place] = value.clone();
        }
        is_lent
    }

    #[inline]
    fn clear(&mut self, place: usize, is_lent: bool) {
        if is_lent {
            let slot = &raw mut self.row[place];
            // SAFETY: the slot is ours and what it holds is not.
            unsafe { slot.write(Dynamic::UNIT) };
        } else {
            self.row[place] = Dynamic::UNIT;
        }
    }

    #[inline]
    fn enter(&mut self, this: *mut Dynamic) -> RhaiResultOf<()> {
        self.out = Dynamic::UNIT;
        if self.is_refused {
            return Err(self.refusal());
        }
        if self.function.is_empty {
            return Ok(());
        }
        for (place, value) in self.curried.iter().enumerate() {
            self.row[place] = value.clone();
        }
        // SAFETY: as in `source`; the reference ends here.
        unsafe { raw::context(self.context) }.level = self.level;
        // SAFETY: the function belongs to the program that runs and was found for as many arguments as there are in
        // the row; `this` is null or a value that nobody else uses; the context is ours.
        let status = unsafe {
            (self.function.entry)(self.context, self.level, this, &raw mut self.out, self.row.as_mut_ptr())
        };
        match status {
            Status::Ok => Ok(()),
            Status::Error => Err(self.failure()),
        }
    }

    #[cold]
    fn refusal(&self) -> Box<EvalAltResult> {
        // SAFETY: as in `source`.
        let context = unsafe { raw::context(self.context) };
        if self.level > context.level_max {
            return EvalAltResult::ErrorStackOverflow(self.at).into();
        }
        EvalAltResult::ErrorTooManyVariables(self.at).into()
    }

    #[cold]
    fn failure(&mut self) -> Box<EvalAltResult> {
        self.out = Dynamic::UNIT;
        // SAFETY: as in `source`; the function has returned.
        let context = unsafe { raw::context(self.context) };
        let error = context.error.take().unwrap_or_else(|| {
            let text = "a compiled function failed without an error";
            EvalAltResult::ErrorSystem(text.into(), text.into()).into()
        });
        leaving(error, &self.function.name, context.global.source().unwrap_or_default(), self.at)
    }
}

fn number(index: usize) -> Dynamic {
    INT::try_from(index).unwrap_or(INT::MAX).into()
}
