//! What `req.headers["x"]` and its like come to, decided when a script is compiled.
//!
//! A chain of properties, indexes and methods on one of our own values is followed through the
//! [table](super::table): views such as `req.headers` are known beforehand, so all that is left for run time is one
//! call, of the last member, with borrowed arguments. What a constant name needs is prepared once.

use std::any::TypeId;

use rhai::{Dynamic, EvalAltResult};

use super::api;
use super::table::{Effect, Form, HostFunction, Type, all};

/// One step of a chain, as a compiler sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Member<'a> {
    /// `.name`.
    Property(&'a str),
    /// `[index]`, with the index if it is a constant string.
    Index(Option<&'a str>),
    /// `.name(arguments)`, with their number.
    Method(&'a str, usize),
}

/// What a bound call gives: a value, or the error that the interpreter would have got, without a position.
type Outcome = Result<Dynamic, Box<EvalAltResult>>;

/// The last step of a chain with its constants: takes what else there are of arguments and the value to assign.
pub(crate) type Prepared = Box<dyn Fn(&[&Dynamic]) -> Outcome + Send + Sync>;

/// How the last step is called.
enum Call {
    /// The row's function on a view that is known, or on the value at the root.
    Row(&'static HostFunction, Option<Dynamic>),
    /// A property that is an index: the row's function with this name.
    Named(&'static HostFunction, Option<Dynamic>, Dynamic),
    /// A closure that has the name already, and what it does not need: the constant index.
    Prepared(Prepared, usize),
}

/// A chain on values of one of our types.
pub struct Bound {
    /// The type at the root.
    pub root: TypeId,
    /// How many native calls the interpreter makes for it at least.
    pub operations: u32,
    /// The member that is called, as in the reference: `Headers[name: string] -> any`.
    pub signature: String,
    /// What the member returns.
    pub returns: Type,
    /// Whether it may wait.
    pub waits: bool,
    /// Whether the last step is the name of no property, and so an index.
    pub by_name: bool,
    call: Call,
}

impl std::fmt::Debug for Bound {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bound").field("signature", &self.signature).finish_non_exhaustive()
    }
}

/// Most arguments of a bound call, the receiver and an assigned value included.
const ARGUMENTS_MAX: usize = 5;

impl Bound {
    /// Makes the call. `root` is the value at the root, which is of type [`Bound::root`]; `arguments` are those of the
    /// last step, constants included, and at the end the value that is assigned, if one is.
    ///
    /// `None` when the arguments are not of the types that the member takes; nothing has happened then.
    pub fn call(&self, root: &Dynamic, arguments: &[&Dynamic]) -> Option<Outcome> {
        let (row, view, name) = match &self.call {
            Call::Prepared(prepared, constants) => return Some(prepared(arguments.get(*constants..)?)),
            Call::Row(row, view) => (row, view, None),
            Call::Named(row, view, name) => (row, view, Some(name)),
        };
        let mut all = [root; ARGUMENTS_MAX];
        let mut count = 1;
        all[0] = view.as_ref().unwrap_or(root);
        for argument in name.into_iter().chain(arguments.iter().copied()) {
            *all.get_mut(count)? = argument;
            count += 1;
        }
        (row.direct)(&all[..count])
    }
}

/// Everything that a chain of these steps may mean, by the type at its root. Empty when nothing of it is ours.
pub fn bind(steps: &[Member<'_>], assigns: bool) -> Vec<Bound> {
    let Some(first) = steps.first() else { return Vec::new() };
    let mut roots: Vec<Type> = Vec::new();
    for row in all() {
        let Some(receiver) = row.receiver else { continue };
        let begins = find(receiver, *first, assigns && steps.len() == 1).is_some();
        if begins && !roots.contains(&receiver) {
            roots.push(receiver);
        }
    }
    roots.into_iter().filter_map(|root| follow(root, steps, assigns)).collect()
}

/// Whether a function that is called by this name alone is one of ours that never waits.
pub fn is_calm(name: &str, arguments: usize) -> bool {
    let mut rows = all().filter(|row| row.form == Form::Global && row.name == name).peekable();
    rows.peek().is_some()
        && rows.all(|row| row.effect != Effect::Waits)
        && all().any(|row| row.form == Form::Global && row.name == name && row.parameters.len() == arguments)
}

/// Follows a chain from a value of this type.
fn follow(root: Type, steps: &[Member<'_>], assigns: bool) -> Option<Bound> {
    let (last, views) = steps.split_last()?;
    let (mut current, mut view) = (root, None);
    for step in views {
        let Member::Property(_) = step else { return None };
        let (row, by_name) = find(current, *step, false)?;
        if by_name {
            return None;
        }
        view = Some(view_of(current, row, view.as_ref())?);
        current = row.returns;
    }
    let (row, by_name) = find(current, *last, assigns)?;
    let constant = match last {
        Member::Property(name) if by_name => Some(*name),
        Member::Index(name) => *name,
        _ => None,
    };
    let prepared = constant.and_then(|name| api::prepare(row, view.as_ref()?, name));
    let call = match (prepared, last) {
        (Some(prepared), Member::Index(_)) => Call::Prepared(prepared, 1),
        (Some(prepared), _) => Call::Prepared(prepared, 0),
        (None, Member::Property(name)) if by_name => Call::Named(row, view, (*name).into()),
        (None, _) => Call::Row(row, view),
    };
    let operations = u32::try_from(steps.len()).ok()?;
    Some(Bound {
        root: root.type_id(),
        operations,
        signature: row.signature(),
        returns: row.returns,
        waits: row.effect == Effect::Waits,
        by_name,
        call,
    })
}

/// The row that a step means on a value of this type, and whether it is the indexer, asked for a name.
fn find(receiver: Type, step: Member<'_>, assigns: bool) -> Option<(&'static HostFunction, bool)> {
    let only = |form: Form, name: &str, parameters: usize| {
        let fits = move |row: &&HostFunction| {
            row.receiver == Some(receiver)
                && row.form == form
                && row.name == name
                && row.parameters.len() == parameters
        };
        let mut rows = all().filter(fits);
        let row = rows.next()?;
        // Which of several is called depends on the types of the arguments.
        rows.next().is_none().then_some(row)
    };
    let has_property = |name: &str| {
        all().any(|row| {
            row.receiver == Some(receiver)
                && matches!(row.form, Form::Getter | Form::Setter)
                && row.name == name
        })
    };
    match (step, assigns) {
        (Member::Property(name), false) if has_property(name) => Some((only(Form::Getter, name, 0)?, false)),
        (Member::Property(name), true) if has_property(name) => Some((only(Form::Setter, name, 1)?, false)),
        (Member::Property(_) | Member::Index(_), false) => {
            Some((only(Form::IndexGetter, "[]", 1)?, matches!(step, Member::Property(_))))
        }
        (Member::Property(_) | Member::Index(_), true) => {
            Some((only(Form::IndexSetter, "[]", 2)?, matches!(step, Member::Property(_))))
        }
        (Member::Method(name, arguments), _) => Some((only(Form::Method, name, arguments)?, false)),
    }
}

/// The view that a getter gives, when it is the same for every exchange.
fn view_of(owner: Type, row: &'static HostFunction, view: Option<&Dynamic>) -> Option<Dynamic> {
    if !row.returns.is_view() {
        return None;
    }
    let root = api::view_root(owner);
    (row.direct)(&[view.or(root.as_ref())?])?.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn signatures(steps: &[Member<'_>], assigns: bool) -> Vec<String> {
        bind(steps, assigns).into_iter().map(|bound| bound.signature).collect()
    }

    #[test]
    fn chains_are_followed_through_views() {
        use Member::{Index, Method, Property};
        let headers = [Property("headers"), Index(Some("x-a"))];
        assert_eq!(signatures(&headers, false).len(), 2, "of requests and responses");
        assert_eq!(signatures(&[Property("body"), Method("json", 0)], false)[0], "Body.json() -> any");
        assert_eq!(
            signatures(&[Property("vars"), Property("x")], true),
            ["Vars[name: string, value: any] ="]
        );
        assert_eq!(signatures(&[Method("is_match", 1)], false), ["Regex.is_match(text: string) -> bool"]);
        // A name may also be an index of what has no such property.
        assert_eq!(signatures(&[Property("path")], true)[0], "Request.path = value: string");
        let of_requests = |signature: &String| signature.starts_with("Request.");
        assert!(!signatures(&[Property("id")], true).iter().any(of_requests), "it has no setter");
        assert!(signatures(&[Property("path"), Property("len")], false).is_empty(), "a text is no view");
        assert!(signatures(&[Method("no_such", 0)], false).is_empty());
        assert!(bind(&[], false).is_empty());
    }

    /// The interpreter assigns a view back to the property that it came from after a method or an indexer; a bound
    /// chain leaves that out.
    #[test]
    fn assigning_a_view_to_its_own_property_does_nothing() {
        let mut checked = 0;
        for getter in all().filter(|row| row.form == Form::Getter && row.returns.is_view()) {
            let Some(owner) = getter.receiver else { continue };
            let Some((setter, false)) = find(owner, Member::Property(getter.name), true) else { continue };
            let Some(view) = view_of(owner, getter, None) else { continue };
            // Without a running call everything that touches an exchange fails.
            let root = api::view_root(owner).unwrap();
            assert!((setter.direct)(&[&root, &view]).unwrap().is_ok(), "{}", setter.signature());
            checked += 1;
        }
        assert!(checked >= 3, "body of both sides and the query: {checked}");
    }
}
