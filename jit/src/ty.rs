//! Types that the compiler knows a value to have.
//!
//! Arrays and maps are values in Rhai: nobody but the variable that holds one can change it, unless a closure has
//! captured the variable. So the type of what is in them is a fact that holds without any test at run time.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use rhai::Dynamic;

/// A type. [`Ty::Never`] is below all others and [`Ty::Any`] above.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "named after the values")]
pub enum Ty {
    /// No value was seen yet.
    Never,
    Unit,
    Bool,
    Int,
    Float,
    Char,
    Str,
    Array(Arc<Ty>),
    Blob,
    Map(Arc<Record>),
    Pointer,
    /// An exclusive or inclusive range of integers.
    Range,
    /// Anything, perhaps a shared cell.
    Any,
}

/// What is known of a map.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Record {
    /// Properties that are certainly there.
    pub fields: BTreeMap<Arc<str>, Ty>,
    /// All other values; `None` when there are none.
    pub rest: Option<Ty>,
}

/// How deep types of nested containers go before they become [`Ty::Any`].
const DEPTH_MAX: usize = 5;
/// The same for arguments of functions that call themselves.
const RECURSION_DEPTH_MAX: usize = 2;
/// How many properties of a map are followed.
const FIELDS_MAX: usize = 24;

/// One step to a part of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// An element of an array.
    Element,
    /// The property of this name.
    Property(Arc<str>),
    /// Some entry of a map.
    Entry,
}

impl Ty {
    /// An array of these.
    pub fn array(element: Ty) -> Self {
        Self::Array(Arc::new(element)).bounded(DEPTH_MAX)
    }

    /// A map with these properties.
    pub fn record(fields: impl IntoIterator<Item = (Arc<str>, Ty)>) -> Self {
        let fields: BTreeMap<_, _> = fields.into_iter().collect();
        if fields.len() > FIELDS_MAX {
            let rest = fields.into_values().reduce(|all, next| all.join(&next));
            return Self::Map(Arc::new(Record { fields: BTreeMap::new(), rest })).bounded(DEPTH_MAX);
        }
        Self::Map(Arc::new(Record { fields, rest: None })).bounded(DEPTH_MAX)
    }

    /// Whether values of it live in registers.
    pub fn is_scalar(&self) -> bool {
        matches!(self, Self::Unit | Self::Bool | Self::Int | Self::Float | Self::Char)
    }

    /// Whether it is an integer or a float.
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Int | Self::Float)
    }

    /// Whether nothing is known.
    pub fn is_any(&self) -> bool {
        matches!(self, Self::Any)
    }

    /// How many entries a map has, if all of them are known and are scalars.
    pub fn size_of_scalars(&self) -> Option<usize> {
        match self {
            Self::Map(record) if record.rest.is_none() && record.fields.values().all(Self::is_scalar) => {
                Some(record.fields.len())
            }
            _ => None,
        }
    }

    /// The smallest type that both have.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        match (self, other) {
            (a, b) if a == b => a.clone(),
            (Self::Never, other) | (other, Self::Never) => other.clone(),
            (Self::Array(a), Self::Array(b)) => Self::Array(Arc::new(a.join(b))),
            (Self::Map(a), Self::Map(b)) => Self::Map(Arc::new(a.join(b))),
            _ => Self::Any,
        }
    }

    /// As much of it as a function that calls itself is specialised for: trees are alike at every level, and one instance
    /// for each level of what is known of a tree would be the same code over and over.
    #[must_use]
    pub fn for_recursion(&self) -> Self {
        self.bounded(RECURSION_DEPTH_MAX)
    }

    fn bounded(&self, depth: usize) -> Self {
        match self {
            Self::Array(_) | Self::Map(_) if depth == 0 => Self::Any,
            Self::Array(element) => Self::Array(Arc::new(element.bounded(depth - 1))),
            Self::Map(record) => {
                let fields =
                    record.fields.iter().map(|(name, ty)| (name.clone(), ty.bounded(depth - 1))).collect();
                let rest = record.rest.as_ref().map(|rest| rest.bounded(depth - 1));
                Self::Map(Arc::new(Record { fields, rest }))
            }
            other => other.clone(),
        }
    }

    #[must_use]
    /// The type of a part; `Any` when it is not known to be there.
    pub fn part(&self, part: &Part) -> Self {
        match (self, part) {
            (Self::Never, _) => Self::Never,
            (Self::Array(element), Part::Element) => (**element).clone(),
            (Self::Map(record), Part::Property(name)) => {
                record.fields.get(name).cloned().unwrap_or(Self::Any)
            }
            _ => Self::Any,
        }
    }

    /// The type after a value of type `value` was stored at the end of `path`.
    #[must_use]
    pub fn with_part(&self, path: &[Part], value: &Self) -> Self {
        let Some((part, rest)) = path.split_first() else { return self.join(value) };
        let changed = match (self, part) {
            (Self::Never, _) => Self::Never,
            (Self::Array(element), Part::Element) => Self::Array(Arc::new(element.with_part(rest, value))),
            (Self::Map(record), Part::Property(name)) => {
                let mut record = (**record).clone();
                if let Some(field) = record.fields.get_mut(name) {
                    *field = field.with_part(rest, value);
                } else {
                    let old = record.rest.take().unwrap_or(Self::Never);
                    let new = if rest.is_empty() { value.clone() } else { Self::Any };
                    record.rest = Some(old.join(&new));
                }
                Self::Map(Arc::new(record))
            }
            (Self::Map(record), Part::Entry) => {
                let mut record = (**record).clone();
                for field in record.fields.values_mut() {
                    *field = field.with_part(rest, value);
                }
                let old = record.rest.take().unwrap_or(Self::Never);
                let new = if rest.is_empty() { value.clone() } else { Self::Any };
                record.rest = Some(old.join(&new));
                Self::Map(Arc::new(record))
            }
            // Assigning through anything else (a character of a string, a bit of an integer) leaves its type.
            (Self::Str | Self::Int | Self::Blob, _) => self.clone(),
            _ => Self::Any,
        };
        changed.bounded(DEPTH_MAX)
    }
}

impl Record {
    fn join(&self, other: &Self) -> Self {
        let mut rest: Option<Ty> = None;
        let mut add = |ty: &Ty| {
            rest = Some(rest.take().map_or_else(|| ty.clone(), |old| old.join(ty)));
        };
        let mut fields = BTreeMap::new();
        for (name, ty) in &self.fields {
            match other.fields.get(name) {
                Some(theirs) => {
                    fields.insert(name.clone(), ty.join(theirs));
                }
                None => add(ty),
            }
        }
        for (name, ty) in &other.fields {
            if !self.fields.contains_key(name) {
                add(ty);
            }
        }
        self.rest.iter().for_each(&mut add);
        other.rest.iter().for_each(&mut add);
        Self { fields, rest }
    }
}

/// The type of a constant.
pub fn of_value(value: &Dynamic) -> Ty {
    if value.is_unit() {
        Ty::Unit
    } else if value.is_bool() {
        Ty::Bool
    } else if value.is_int() {
        Ty::Int
    } else if value.is_float() {
        Ty::Float
    } else if value.is_char() {
        Ty::Char
    } else if value.is_string() {
        Ty::Str
    } else if value.is_fnptr() {
        Ty::Pointer
    } else if value.is_blob() {
        Ty::Blob
    } else if let Ok(array) = value.as_array_ref() {
        Ty::array(array.iter().fold(Ty::Never, |all, next| all.join(&of_value(next))))
    } else if let Ok(map) = value.as_map_ref() {
        Ty::record(map.iter().map(|(name, value)| (name.as_str().into(), of_value(value))))
    } else if value.is::<std::ops::Range<i64>>() || value.is::<std::ops::RangeInclusive<i64>>() {
        Ty::Range
    } else {
        Ty::Any
    }
}

impl fmt::Display for Ty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Never => f.write_str("never"),
            Self::Unit => f.write_str("unit"),
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Float => f.write_str("float"),
            Self::Char => f.write_str("char"),
            Self::Str => f.write_str("string"),
            Self::Array(element) => write!(f, "[{element}]"),
            Self::Blob => f.write_str("blob"),
            Self::Map(record) => {
                f.write_str("#{")?;
                let mut first = true;
                for (name, ty) in &record.fields {
                    write!(f, "{}{name}: {ty}", if first { "" } else { ", " })?;
                    first = false;
                }
                if let Some(rest) = &record.rest {
                    write!(f, "{}..: {rest}", if first { "" } else { ", " })?;
                }
                f.write_str("}")
            }
            Self::Pointer => f.write_str("function"),
            Self::Range => f.write_str("range"),
            Self::Any => f.write_str("any"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joining_is_the_least_common_type() {
        assert_eq!(Ty::Int.join(&Ty::Never), Ty::Int);
        assert_eq!(Ty::Int.join(&Ty::Float), Ty::Any);
        let ints = Ty::array(Ty::Int);
        assert_eq!(Ty::array(Ty::Never).join(&ints), ints);
        let ab = Ty::record([("a".into(), Ty::Int), ("b".into(), Ty::Str)]);
        let a = Ty::record([("a".into(), Ty::Float)]);
        assert_eq!(ab.join(&a).to_string(), "#{a: any, ..: string}");
    }

    #[test]
    fn storing_changes_the_part_only() {
        let rows = Ty::array(Ty::array(Ty::Never));
        let stored = rows.with_part(&[Part::Element, Part::Element], &Ty::Float);
        assert_eq!(stored.to_string(), "[[float]]");
        let map = Ty::record([("x".into(), Ty::Float)]);
        assert_eq!(
            map.with_part(&[Part::Property("y".into())], &Ty::Int).to_string(),
            "#{x: float, ..: int}"
        );
        assert_eq!(map.with_part(&[Part::Entry], &Ty::Int).to_string(), "#{x: any, ..: int}");
    }

    #[test]
    fn types_do_not_grow_without_end() {
        let mut ty = Ty::Int;
        for _ in 0..20 {
            ty = Ty::array(ty);
        }
        let again = Ty::array(ty.clone());
        assert_eq!(ty, again);
    }
}
