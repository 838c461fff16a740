//! The engines that programs are compared on.

use rhai::{Engine, OptimizationLevel};

use super::{host, modules};

/// How an engine is set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Setup {
    /// Whether the parser folds constants, as the stock engine's does; the gateway's does not.
    pub(crate) optimise: bool,
    /// Operations after which a run ends with an error, so that every run ends.
    pub(crate) operations_max: u64,
    /// Most bytes of a string, and most items of an array or a map; 0 for no limit.
    pub(crate) size_max: usize,
    /// How deep expressions may be nested, in functions too.
    pub(crate) expression_depth_max: usize,
}

impl Setup {
    /// For programs that people wrote.
    pub(crate) const WRITTEN: Self =
        Self { optimise: true, operations_max: 5_000_000, size_max: 0, expression_depth_max: 64 };

    /// For programs that come from a generator: bounded by how they are made, but for what multiplies.
    pub(crate) const GENERATED: Self =
        Self { optimise: true, operations_max: 300_000, size_max: 20_000, expression_depth_max: 256 };

    /// An engine with the standard library and the test host.
    pub(crate) fn engine(self) -> Engine {
        let mut engine = Engine::new();
        // Those of an optimised build: the stock engine allows less when it is built for debugging.
        engine.set_max_call_levels(64);
        engine.set_max_expr_depths(self.expression_depth_max, self.expression_depth_max);
        engine.set_max_operations(self.operations_max);
        engine.set_max_string_size(self.size_max);
        engine.set_max_array_size(self.size_max);
        engine.set_max_map_size(self.size_max);
        // The interner is a lock that threads wait for.
        engine.set_max_strings_interned(0);
        engine.set_optimization_level(if self.optimise {
            OptimizationLevel::Simple
        } else {
            OptimizationLevel::None
        });
        host::register(&mut engine);
        modules::register(&mut engine);
        engine
    }
}
