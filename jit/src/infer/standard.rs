//! Whether a name means the standard library's function in an engine.
//!
//! What inference says of a call, and what is generated for it, holds for the function of the standard library. A
//! host may leave the library out, or register a function of its own for the same types, which goes first.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::LazyLock;

use rhai::{Array, Blob, Dynamic, Engine, ImmutableString, Map};

use crate::ir::{Kind, Unit, visit};
use crate::ty::Ty;

/// First parameters of the host's functions, by name and number of parameters; `None` where the type is not known.
type Taken = HashMap<(String, usize), Vec<Option<TypeId>>>;

/// The standard library as an engine has it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Standard {
    /// Whether all of it is there.
    is_complete: bool,
    /// Whether the script imports modules, whose functions may be in the global namespace.
    imports: bool,
    /// Whether the types of the language have the names that it gives them.
    has_plain_names: bool,
    taken: Taken,
}

/// Functions that take any value where a function in an imported module may ask for a certain type, and so go last.
const ANY_ARGUMENT: [&str; 14] = [
    "push",
    "insert",
    "pad",
    "set",
    "contains",
    "index_of",
    "append",
    "to_string",
    "to_debug",
    "print",
    "debug",
    "tag",
    "+",
    "+=",
];

impl Standard {
    /// What this engine has, for the names that a unit may use.
    pub(crate) fn of(engine: &Engine, unit: &Unit) -> Self {
        let imports = unit
            .functions
            .iter()
            .any(|function| visit::any(&function.body, &mut |expr| matches!(expr.kind, Kind::Interpret(_))));
        let mut taken = Taken::new();
        let own = engine.collect_fn_metadata(
            None,
            |info| {
                let first = info.metadata.param_types.first().copied();
                Some((info.metadata.name.to_string(), info.metadata.num_params, first, info.metadata.hash))
            },
            false,
        );
        let mut sum = hashes(engine);
        for (name, parameters, first, hash) in own {
            sum = sum.wrapping_sub(hash);
            taken.entry((name, parameters)).or_default().push(first);
        }
        let has_plain_names = has_plain_names(engine);
        Self { is_complete: sum == *COMPLETE, imports, has_plain_names, taken }
    }

    /// Whether the engine has all of the library.
    pub(crate) fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Whether scripts call the types of the language by the names that it gives them: a host may give them others.
    pub(crate) fn names_are_plain(&self) -> bool {
        self.has_plain_names
    }

    /// Whether `name(receiver, ..)` with so many further arguments is the library's.
    pub(crate) fn has(&self, name: &str, receiver: &Ty, arguments: usize) -> bool {
        if !self.is_complete || self.imports && ANY_ARGUMENT.contains(&name) {
            return false;
        }
        if self.taken.is_empty() {
            return true;
        }
        let Some(first) = self.taken.get(&(name.to_owned(), arguments + 1)) else { return true };
        !first.iter().any(|ty| ty.is_none_or(|ty| may_be(receiver, ty)))
    }

    /// Whether reading the property `name` is the library's.
    pub(crate) fn has_getter(&self, name: &str, receiver: &Ty) -> bool {
        self.has(&format!("get${name}"), receiver, 0)
    }
}

/// The standard library's own hashes, taken together.
static COMPLETE: LazyLock<u64> = LazyLock::new(|| hashes(&Engine::new()));

/// Hashes of all functions of an engine, taken together.
fn hashes(engine: &Engine) -> u64 {
    let all = engine.collect_fn_metadata(None, |info| Some(info.metadata.hash), true);
    all.into_iter().fold(0, u64::wrapping_add)
}

fn has_plain_names(engine: &Engine) -> bool {
    let samples: [(Dynamic, &str); 9] = [
        (Dynamic::UNIT, "()"),
        (true.into(), "bool"),
        (1_i64.into(), "i64"),
        (1.0_f64.into(), "f64"),
        ('x'.into(), "char"),
        ("x".into(), "string"),
        (Array::new().into(), "array"),
        (Map::new().into(), "map"),
        (Dynamic::from_blob(Blob::new()), "blob"),
    ];
    samples.iter().all(|(value, name)| engine.map_type_name(value.type_name()) == *name)
}

/// Whether a parameter of this type takes values of the receiver's type.
fn may_be(receiver: &Ty, parameter: TypeId) -> bool {
    if parameter == TypeId::of::<Dynamic>() {
        return true;
    }
    let is = |ty: TypeId| ty == parameter;
    match receiver {
        Ty::Never => false,
        Ty::Unit => is(TypeId::of::<()>()),
        Ty::Bool => is(TypeId::of::<bool>()),
        Ty::Int => is(TypeId::of::<i64>()),
        Ty::Float => is(TypeId::of::<f64>()),
        Ty::Char => is(TypeId::of::<char>()),
        Ty::Str => {
            is(TypeId::of::<ImmutableString>())
                || is(TypeId::of::<&'static str>())
                || is(TypeId::of::<String>())
        }
        Ty::Array(_) => is(TypeId::of::<Array>()),
        Ty::Blob => is(TypeId::of::<Blob>()),
        Ty::Map(_) => is(TypeId::of::<Map>()),
        Ty::Pointer | Ty::Range | Ty::Any => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn empty() -> Unit {
        Unit {
            functions: Vec::new(),
            source: String::new(),
            uses_tags: false,
            reads_globals: false,
            namespaces: Vec::new(),
        }
    }

    #[test]
    fn an_engine_with_the_library_has_it() {
        let mut engine = Engine::new();
        assert!(Standard::of(&engine, &empty()).has("len", &Ty::Str, 0));
        engine.register_fn("len", |_: i64| 1_i64);
        engine.register_fn("own", |_: &str| 1_i64);
        let standard = Standard::of(&engine, &empty());
        assert!(standard.has("len", &Ty::Str, 0));
        assert!(!standard.has("len", &Ty::Int, 0));
        engine.register_fn("len", |_: &str| 1_i64);
        engine.register_get("is_empty", |_: &mut Array| 1_i64);
        let standard = Standard::of(&engine, &empty());
        assert!(!standard.has("len", &Ty::Str, 0));
        assert!(standard.has("len", &Ty::Str, 1));
        assert!(standard.has("is_empty", &Ty::array(Ty::Int), 0));
        assert!(!standard.has_getter("is_empty", &Ty::array(Ty::Int)));
        assert!(standard.has_getter("len", &Ty::Str));
    }

    #[test]
    fn an_engine_without_the_library_has_nothing() {
        assert!(!Standard::of(&Engine::new_raw(), &empty()).has("len", &Ty::Str, 0));
        let mut engine = Engine::new_raw();
        let core = rhai::packages::CorePackage::new();
        engine.register_global_module(rhai::packages::Package::as_shared_module(&core));
        assert!(!Standard::of(&engine, &empty()).has("len", &Ty::Str, 0));
    }

    #[test]
    fn a_raw_engine_may_load_the_library() {
        let mut engine = Engine::new_raw();
        let all = rhai::packages::StandardPackage::new();
        engine.register_global_module(rhai::packages::Package::as_shared_module(&all));
        assert!(Standard::of(&engine, &empty()).has("len", &Ty::Str, 0));
    }
}
