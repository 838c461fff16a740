//! What a function pointer points to, and how it is called.
#![expect(unsafe_code, reason = "re-enters machine code")]

use std::fmt::{self, Write};

use rhai::{
    ASTFlags, BinaryExpr, Dynamic, Expr, FnArgsVec, FnCallExpr, FnCallHashes, FnPtr, Namespace,
    NativeCallContext, Position,
};

use super::{PointerForm, call_compiled_value, taken};
use crate::position::pack;
use crate::rt::context::{CompiledFunction, Context};
use crate::rt::errors::fill;
use crate::rt::guard::RhaiResultOf;
use crate::rt::interpret::arguments::Arguments;
use crate::rt::interpret::{self, function_hash};
use crate::rt::natives::refuse_races;
use crate::rt::raw;

/// What a function pointer points to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// Whatever has the name.
    Name,
    /// A function of the script.
    Script,
    /// A host function that the pointer carries.
    Host,
}

/// Keeps the first three bytes that are written to it and refuses the rest.
struct Head {
    bytes: [u8; 3],
    length: usize,
}

impl Write for Head {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            *self.bytes.get_mut(self.length).ok_or(fmt::Error)? = byte;
            self.length += 1;
        }
        Ok(())
    }
}

/// The one public trace of what a pointer points to is how its debugging form begins.
pub(super) fn target(pointer: &FnPtr) -> Target {
    let mut head = Head { bytes: [0; 3], length: 0 };
    // It ends with an error on purpose, as soon as there is enough.
    let _ = write!(head, "{pointer:?}");
    match head.bytes[2] {
        b'*' => Target::Script,
        b'#' => Target::Host,
        _ => Target::Name,
    }
}

/// One call.
pub(super) struct Call<'v> {
    pub pointer: FnPtr,
    pub form: PointerForm,
    /// The object, in the form that has one.
    pub this: Option<&'v mut Dynamic>,
    pub arguments: FnArgsVec<&'v mut Dynamic>,
    pub at: Position,
}

impl Call<'_> {
    /// Calls whatever it is.
    ///
    /// # Safety
    ///
    /// `context` is the context, to which the caller holds no reference.
    pub(super) unsafe fn run(mut self, context: *mut Context<'_>) -> RhaiResultOf<Dynamic> {
        let target = target(&self.pointer);
        // SAFETY: the caller's promise; the reference does not outlive the look-up.
        let function = unsafe { self.find(raw::context(context), target) };
        match (target, function) {
            (Target::Script, Some(function)) => {
                let mut values = self.values();
                if self.form == PointerForm::Object {
                    refuse_races(&function.name, &values.iter_mut().collect::<FnArgsVec<_>>(), false)?;
                }
                // SAFETY: the caller's promise; the function was found for this number of arguments.
                unsafe { call_compiled_value(context, &function, self.this, &mut values, pack(self.at)) }
            }
            (Target::Name, Some(function)) => {
                // SAFETY: the caller's promise.
                unsafe { self.by_name(context, &function) }
            }
            // SAFETY: the caller's promise; what follows does not re-enter machine code.
            (Target::Host, _) => self.host(unsafe { raw::context(context) }),
            // SAFETY: as above.
            (_, None) => self.interpreted(unsafe { raw::context(context) }),
        }
    }

    fn find(&self, context: &Context<'_>, target: Target) -> Option<CompiledFunction> {
        let name = self.pointer.fn_name();
        let count = self.pointer.curry().len() + self.arguments.len();
        match (target, &self.this) {
            (Target::Host, _) => None,
            (Target::Name, Some(this)) => {
                let kind = context.engine.map_type_name(this.type_name());
                context
                    .functions
                    .find_method(kind, name, count)
                    .or_else(|| context.functions.find(name, count))
            }
            _ => context.functions.find(name, count),
        }
    }

    /// The curried values and the arguments. A variable is read, not used up.
    fn values(&mut self) -> FnArgsVec<Dynamic> {
        let mut values: FnArgsVec<Dynamic> = self.pointer.curry().iter().cloned().collect();
        if self.form == PointerForm::CallVariable {
            if let Some((variable, rest)) = self.arguments.split_first_mut() {
                values.push((**variable).clone());
                values.extend(taken(rest));
            }
        } else {
            values.extend(taken(&mut self.arguments));
        }
        values
    }

    /// A function of the program that the name leads to.
    unsafe fn by_name(
        mut self,
        context: *mut Context<'_>,
        function: &CompiledFunction,
    ) -> RhaiResultOf<Dynamic> {
        let curried = self.pointer.curry().len();
        let mut values = self.values();
        // By name, arguments are looked through when they are cells; curried values are not.
        for value in values.iter_mut().skip(curried).filter(|value| value.is_shared()) {
            *value = value.take().flatten();
        }
        refuse_races(self.pointer.fn_name(), &values.iter_mut().collect::<FnArgsVec<_>>(), false)?;
        if function.is_empty {
            return Ok(Dynamic::UNIT);
        }
        // SAFETY: the caller's promise; the function was found for this number of arguments.
        unsafe { call_compiled_value(context, function, self.this, &mut values, pack(self.at)) }
    }

    /// A host function that the pointer carries.
    fn host(mut self, context: &mut Context<'_>) -> RhaiResultOf<Dynamic> {
        let values = self.values();
        interpret::enter(context);
        context.global.level += 1;
        let mut bare = self.pointer;
        // With none of its own, the curried values come where the interpreter has them: after the object.
        bare.set_curry([]);
        let call =
            NativeCallContext::new_with_all_fields(context.engine, "call", None, &context.global, self.at);
        bare.call_raw(&call, self.this, values).map_err(|error| fill(error, self.at))
    }

    /// A host function that the name leads to, or a function that is not of this program.
    fn interpreted(mut self, context: &mut Context<'_>) -> RhaiResultOf<Dynamic> {
        let at = self.at;
        let mut arguments = Arguments::new(at);
        arguments.push(self.pointer.into());
        // The one value that is passed by reference.
        let mut by_reference = self.this;
        let is_object = self.form == PointerForm::Object;
        if self.form == PointerForm::CallVariable && !self.arguments.is_empty() {
            let variable = self.arguments.remove(0);
            if variable.is_shared() || variable.is_read_only() {
                arguments.push(variable.clone());
            } else {
                by_reference = Some(variable);
                arguments.push_this();
            }
        }
        arguments.extend(taken(&mut self.arguments));
        let own = arguments.operations() + 1;
        let hash = function_hash("call", arguments.len());
        let call = FnCallExpr {
            namespace: Namespace::NONE,
            name: "call".into(),
            hashes: FnCallHashes::from_hash(hash),
            args: arguments.into_expressions(),
            capture_parent_scope: false,
            op_token: None,
        };
        let expression = if is_object {
            let sides = BinaryExpr { lhs: Expr::ThisPtr(at), rhs: Expr::MethodCall(Box::new(call), at) };
            Expr::Dot(Box::new(sides), ASTFlags::empty(), at)
        } else {
            Expr::FnCall(Box::new(call), at)
        };
        let mut caches = std::mem::take(&mut context.caches);
        let result = interpret::evaluate(context, &expression, by_reference, &mut caches, own);
        context.caches = caches;
        result
    }
}
