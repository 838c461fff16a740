//! Host functions called with borrowed values, as compiled scripts do.
//!
//! The interpreter's way to call a function uses its arguments up, so whoever wants to keep one clones it first. Here
//! texts are borrowed where they lie and everything else is copied only because the function asks for a value. The
//! adapters are made from the functions themselves, so that both ways call the same code.

use rhai::{Array, Dynamic, ImmutableString, Map, Variant};

use super::context::HostResult;

/// A row's function with borrowed arguments. The first of them is the value that a method or property belongs to.
/// `None` when the types are not the function's, and nothing has happened then.
pub(crate) type Direct = fn(&[&Dynamic]) -> Option<HostResult<Dynamic>>;

/// Marks functions whose result is a value.
pub(crate) struct Sure;
/// Marks functions whose result is a value or an error.
pub(crate) struct Fallible;

/// What a function may return.
pub(crate) trait Returned<M> {
    fn into_value(self) -> HostResult<Dynamic>;
}

impl<T: Variant + Clone> Returned<Sure> for T {
    fn into_value(self) -> HostResult<Dynamic> {
        Ok(Dynamic::from(self))
    }
}

impl<T: Variant + Clone> Returned<Fallible> for HostResult<T> {
    fn into_value(self) -> HostResult<Dynamic> {
        self.map(Dynamic::from)
    }
}

/// A function that can be called with borrowed arguments. `M` tells the shapes of functions apart.
pub(crate) trait DirectFn<M> {
    fn apply(&self, arguments: &[&Dynamic]) -> Option<HostResult<Dynamic>>;
}

/// Calls a function with borrowed arguments.
pub(crate) fn call<M>(function: impl DirectFn<M>, arguments: &[&Dynamic]) -> Option<HostResult<Dynamic>> {
    function.apply(arguments)
}

/// Marks a text parameter.
pub(crate) struct Text;

/// Types that a row takes by value. `&'static str` is none of them, so that a text parameter has one shape only.
pub(crate) trait ByValue: Variant + Clone {}

impl ByValue for Dynamic {}
impl ByValue for i64 {}
impl ByValue for Map {}
impl ByValue for Array {}

/// A copy of an argument of the right type.
fn owned<T: Variant + Clone>(argument: &Dynamic) -> Option<T> {
    if std::any::TypeId::of::<T>() == std::any::TypeId::of::<Dynamic>() {
        return argument.flatten_clone().try_cast();
    }
    argument.read_lock::<T>().map(|value| value.clone())
}

/// One shape of functions: the types that it leaves open, what tells it from the others, the receiver if there is one,
/// and its parameters: `text` for `&str`, a type for a value of that type.
macro_rules! shape {
    (<$($open:ident),*> ($($marker:ty),*) $([$receiver:ident])? $($name:ident: $mode:tt),*) => {
        impl<F, R, M, $($receiver,)? $($open),*> DirectFn<(R, M, ($($receiver,)?), ($($marker,)*))> for F
        where
            F: Fn($(&mut $receiver,)? $(shape!(@type $mode)),*) -> R,
            R: Returned<M>,
            $($receiver: Variant + Clone,)?
            $($open: ByValue,)*
        {
            #[inline]
            fn apply(&self, arguments: &[&Dynamic]) -> Option<HostResult<Dynamic>> {
                let mut arguments = arguments.iter();
                $(let mut receiver: $receiver = owned(arguments.next()?)?;)?
                $(shape!(@take $mode $name arguments);)*
                if arguments.next().is_some() {
                    return None;
                }
                let result = self($(shape!(@receiver $receiver receiver),)? $(shape!(@pass $mode $name)),*);
                Some(result.into_value())
            }
        }
    };
    (@type text) => { &str };
    (@type $kind:ident) => { $kind };
    (@take text $name:ident $from:ident) => { let $name = $from.next()?.read_lock::<ImmutableString>()?; };
    (@take $kind:ident $name:ident $from:ident) => { let $name: $kind = owned($from.next()?)?; };
    (@receiver $kind:ident $name:ident) => { &mut $name };
    (@pass text $name:ident) => { $name.as_str() };
    (@pass $kind:ident $name:ident) => { $name };
}

shape!(<> () );
shape!(<> (Text) a: text);
shape!(<A> (A) a: A);
shape!(<> (Text, Text) a: text, b: text);
shape!(<B> (Text, B) a: text, b: B);
shape!(<A> (A, Text) a: A, b: text);
shape!(<A, B> (A, B) a: A, b: B);
shape!(<A, B> (A, B, Text) a: A, b: B, c: text);
shape!(<B, C> (Text, B, C) a: text, b: B, c: C);
shape!(<> () [H] );
shape!(<> (Text) [H] a: text);
shape!(<A> (A) [H] a: A);
shape!(<> (Text, Text) [H] a: text, b: text);
shape!(<B> (Text, B) [H] a: text, b: B);
shape!(<C> (Text, Text, C) [H] a: text, b: text, c: C);
