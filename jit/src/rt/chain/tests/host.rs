//! Types and functions that a host could register.

use rhai::{
    Array, Dynamic, Engine, EvalAltResult, FnPtr, FuncRegistration, INT, ImmutableString, Map, Module,
    NativeCallContext, OptimizationLevel, Position, Scope,
};

/// A type with getters, setters and methods.
#[derive(Debug, Clone)]
pub(super) struct Point {
    x: INT,
    name: ImmutableString,
    items: Array,
    map: Map,
    tail: Vec<Point>,
    writes: INT,
}

/// A type with nothing but indexers.
#[derive(Debug, Clone)]
pub(super) struct Bag {
    values: Vec<(ImmutableString, INT)>,
    points: Vec<Point>,
}

/// A type whose indexer cannot set.
#[derive(Debug, Clone)]
pub(super) struct Reader(INT);

impl Point {
    fn new(x: INT) -> Self {
        Self {
            x,
            name: "point".into(),
            items: vec![1.into(), 2.into()],
            map: Map::from([("k".into(), Dynamic::from(5 as INT))]),
            tail: Vec::new(),
            writes: 0,
        }
    }
}

type Outcome<T> = Result<T, Box<EvalAltResult>>;

/// A value in full, as `Debug` does not show what is inside host types.
pub(super) fn show(value: &Dynamic) -> String {
    let mark = if value.is_read_only() { "const " } else { "" };
    if value.is_shared() {
        return format!("shared {mark}{}", show(&value.flatten_clone()));
    }
    let text = if let Some(array) = value.read_lock::<Array>() {
        format!("[{}]", array.iter().map(show).collect::<Vec<_>>().join(", "))
    } else if let Some(map) = value.read_lock::<Map>() {
        let entries: Vec<_> = map.iter().map(|(key, value)| format!("{key}: {}", show(value))).collect();
        format!("#{{{}}}", entries.join(", "))
    } else if let Some(point) = value.read_lock::<Point>() {
        format!("{point:?}")
    } else if let Some(bag) = value.read_lock::<Bag>() {
        format!("{bag:?}")
    } else if let Some(reader) = value.read_lock::<Reader>() {
        format!("{reader:?}")
    } else {
        format!("{value:?}")
    };
    format!("{mark}{text}")
}

/// The variables that every script starts with.
#[expect(deprecated, reason = "marked so only because it is volatile")]
pub(super) fn scope() -> Scope<'static> {
    let mut scope = Scope::new();
    scope.push("p", Point::new(1));
    scope.push("bag", Bag { values: vec![("k".into(), 1), ("n".into(), 2)], points: vec![Point::new(7)] });
    scope.push("reader", Reader(9));
    scope.push_constant("fixed", Point::new(3));
    let host = FnPtr::from_fn("host_sum", |_, arguments| {
        let mut sum = 0;
        for argument in &*arguments {
            sum = sum * 10 + argument.as_int().unwrap_or(1);
        }
        if let Some(mut first) = arguments.first_mut().and_then(|first| first.write_lock::<INT>()) {
            *first += 1;
        }
        Ok(Dynamic::from(sum))
    });
    scope.push("host", host.expect("a function pointer"));
    let failing = FnPtr::from_fn("host_fails", |_, _| Err("refused".into()));
    scope.push("failing", failing.expect("a function pointer"));
    scope
}

/// An engine with all of this.
pub(super) fn engine() -> Engine {
    let mut engine = Engine::new();
    engine.set_optimization_level(OptimizationLevel::None);
    let mut module = Module::new();
    module.set_var("HOST_MAP", Dynamic::from(Map::from([("a".into(), Dynamic::from(1 as INT))])));
    engine.register_global_module(module.into());
    properties(&mut engine);
    indexers(&mut engine);
    methods(&mut engine);
    engine
}

fn properties(engine: &mut Engine) {
    engine.register_type_with_name::<Point>("Point");
    engine.register_get_set(
        "x",
        |p: &mut Point| p.x,
        |p: &mut Point, x: INT| {
            p.x = x;
            p.writes += 1;
        },
    );
    engine.register_get_set(
        "name",
        |p: &mut Point| p.name.clone(),
        |p: &mut Point, name: ImmutableString| {
            p.name = name;
            p.writes += 1;
        },
    );
    engine.register_get_set(
        "items",
        |p: &mut Point| p.items.clone(),
        |p: &mut Point, items: Array| {
            p.items = items;
            p.writes += 1;
        },
    );
    engine.register_get_set(
        "map",
        |p: &mut Point| p.map.clone(),
        |p: &mut Point, map: Map| {
            p.map = map;
            p.writes += 1;
        },
    );
    engine.register_get_set(
        "next",
        |p: &mut Point| p.tail.first().cloned().unwrap_or_else(|| Point::new(20)),
        |p: &mut Point, next: Point| {
            p.tail = vec![next];
            p.writes += 1;
        },
    );
    engine.register_get("fixed_items", |p: &mut Point| p.items.clone());
    engine.register_get("fixed_next", |_: &mut Point| Point::new(30));
    engine.register_get("nothing", |_: &mut Point| ());
    engine.register_get("broken", |_: &mut Point| -> Outcome<INT> { Err("broken getter".into()) });
    engine.register_get("dotted", |_: &mut Point| -> Outcome<INT> {
        Err(EvalAltResult::ErrorDotExpr("own dot error".into(), Position::NONE).into())
    });
    engine.register_get("stubborn", |p: &mut Point| p.items.clone());
    engine
        .register_set("stubborn", |_: &mut Point, _: Array| -> Outcome<()> { Err("stubborn setter".into()) });
    // A setter that takes its object by value: it counts as one that changes nothing.
    FuncRegistration::new("set$x2").register_into_engine(engine, |_: Point, _: INT| ());
    engine.register_get("x2", |p: &mut Point| p.x * 2);
    engine.register_get("cell", |p: &mut Point| Dynamic::from(p.items.clone()).into_shared());
    engine.register_set("cell", |p: &mut Point, items: Array| p.items = items);
}

fn indexers(engine: &mut Engine) {
    engine.register_type_with_name::<Bag>("Bag");
    engine.register_type_with_name::<Reader>("Reader");
    engine.register_indexer_get(|bag: &mut Bag, key: ImmutableString| -> Outcome<INT> {
        let found = bag.values.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
        found.ok_or_else(|| format!("no {key} in the bag").into())
    });
    engine.register_indexer_set(|bag: &mut Bag, key: ImmutableString, value: INT| {
        match bag.values.iter_mut().find(|(name, _)| *name == key) {
            Some((_, old)) => *old = value,
            None => bag.values.push((key, value)),
        }
    });
    engine.register_indexer_get(|bag: &mut Bag, index: INT| -> Outcome<Point> {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        bag.points.get(index).cloned().ok_or_else(|| "no such point".into())
    });
    engine.register_indexer_set(|bag: &mut Bag, index: INT, point: Point| -> Outcome<()> {
        let index = usize::try_from(index).unwrap_or(usize::MAX);
        *bag.points.get_mut(index).ok_or("cannot put the point")? = point;
        Ok(())
    });
    engine.register_indexer_get(|reader: &mut Reader, index: INT| reader.0 + index);
    engine.register_indexer_get(|reader: &mut Reader, _: bool| Point::new(reader.0));
}

fn methods(engine: &mut Engine) {
    engine.register_fn("move_by", |p: &mut Point, by: INT| {
        p.x += by;
        p.x
    });
    engine.register_fn("moved", |mut p: Point, by: INT| {
        p.x += by;
        p
    });
    engine.register_fn("where_am_i", |context: NativeCallContext<'_>, _: &mut Point, _: INT| {
        format!("{:?} {} {}", context.call_position(), context.call_level(), context.fn_name())
    });
    engine.register_indexer_get(|context: NativeCallContext<'_>, _: &mut Point, _: char| {
        format!("{:?} {}", context.call_level(), context.fn_name())
    });
    engine.register_fn(
        "apply",
        |context: NativeCallContext<'_>, _: &mut Point, f: FnPtr| -> Outcome<Dynamic> {
            f.call_within_context(&context, (4 as INT,))
        },
    );
    engine.register_fn("refuse", |_: &mut Point| -> Outcome<()> { Err("refused".into()) });
    engine.register_fn("panics", |_: &mut Point| -> INT { panic!("out of order") });
    engine.register_fn("increment", |n: &mut INT| *n += 1);
    engine.register_fn("flip", |flag: &mut bool| *flag = !*flag);
    engine.register_fn("next_char", |c: &mut char| *c = char::from_u32(u32::from(*c) + 1).unwrap_or(*c));
    engine.register_fn("become_text", |value: &mut Dynamic| *value = "text".into());
    engine.register_fn("is_nothing", |(): &mut ()| true);
    engine.register_fn("+", |a: Point, b: INT| Point::new(a.x + b));
    engine.register_fn("*=", |a: &mut Point, b: INT| a.x *= b);
    engine.register_fn("on_point", |p: &mut Point, a: INT, b: INT| {
        p.x = a * 10 + b;
        p.x
    });
}
