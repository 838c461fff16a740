//! What must hold of a tree whatever its types are.

use super::wrong;
use crate::ir::{
    ChainExpr, ChainRoot, Expr, FirstArgument, Function, Kind, LocalId, Place, Switch, Unit, visit,
};

/// Checks one function.
pub(super) fn check(unit: &Unit, function: &Function) -> Result<(), String> {
    let mut declared = vec![false; function.locals.len()];
    if function.parameters > declared.len() {
        return Err(wrong(function, 0, "more parameters than variables"));
    }
    declared[..function.parameters].fill(true);
    let seen = vec![false; function.nodes as usize];
    let mut shape = Shape { unit, function, declared, opened: Vec::new(), seen, loops: 0 };
    shape.signature()?;
    let Kind::Block(elements) = &function.body.kind else {
        return Err(wrong(function, 0, "the body is no block"));
    };
    shape.number(&function.body)?;
    shape.all(elements)?;
    // What the top level leaves behind is in scope at its end.
    function.exported.iter().try_for_each(|exported| shape.local(&function.body, exported.local))
}

struct Shape<'v> {
    unit: &'v Unit,
    function: &'v Function,
    /// Which variables are in scope.
    declared: Vec<bool>,
    /// Those that were declared in the blocks that are open, in order.
    opened: Vec<LocalId>,
    /// Which numbers of nodes were met.
    seen: Vec<bool>,
    /// How many loops are around.
    loops: usize,
}

impl Shape<'_> {
    fn error(&self, expr: &Expr, what: &str) -> Result<(), String> {
        Err(wrong(self.function, expr.position, what))
    }

    fn signature(&self) -> Result<(), String> {
        let function = self.function;
        if function.lent.len() != function.parameters {
            return Err(wrong(function, 0, "not every parameter is known to be lent or not"));
        }
        for (local, lent) in (0..).zip(&function.lent) {
            let written = || visit::any(&function.body, &mut |expr| visit::may_write(expr, local));
            if *lent && (function.locals[local as usize].captured || written()) {
                let what = format!("parameter {local} is lent and may be written");
                return Err(wrong(function, 0, &what));
            }
        }
        if !function.uses_this && visit::any(&function.body, &mut visit::is_this) {
            return Err(wrong(function, 0, "`this` is mentioned but not passed"));
        }
        Ok(())
    }

    fn number(&mut self, expr: &Expr) -> Result<(), String> {
        match self.seen.get_mut(expr.id as usize) {
            None => self.error(expr, &format!("node {} is beyond the last", expr.id)),
            Some(true) => self.error(expr, &format!("there are two nodes {}", expr.id)),
            Some(seen) => {
                *seen = true;
                Ok(())
            }
        }
    }

    fn local(&self, expr: &Expr, local: LocalId) -> Result<(), String> {
        match self.declared.get(local as usize) {
            Some(true) => Ok(()),
            Some(false) => self.error(expr, &format!("variable {local} is not in scope")),
            None => self.error(expr, &format!("there is no variable {local}")),
        }
    }

    fn place(&self, expr: &Expr, place: Place) -> Result<(), String> {
        match place {
            Place::Local { local, .. } => self.local(expr, local),
            Place::This => Ok(()),
        }
    }

    /// A variable that may hold a shared cell from here on.
    fn shared(&self, expr: &Expr, local: LocalId) -> Result<(), String> {
        self.local(expr, local)?;
        if self.function.locals[local as usize].captured {
            return Ok(());
        }
        self.error(expr, &format!("variable {local} is shared but not captured"))
    }

    fn declare(&mut self, expr: &Expr, local: LocalId) -> Result<(), String> {
        match self.declared.get_mut(local as usize) {
            Some(true) => {}
            Some(declared) => {
                *declared = true;
                self.opened.push(local);
            }
            None => return self.error(expr, &format!("there is no variable {local}")),
        }
        Ok(())
    }

    fn close(&mut self, length: usize) {
        for local in self.opened.drain(length..) {
            self.declared[local as usize] = false;
        }
    }

    fn all(&mut self, list: &[Expr]) -> Result<(), String> {
        list.iter().try_for_each(|part| self.node(part))
    }

    fn node(&mut self, expr: &Expr) -> Result<(), String> {
        self.number(expr)?;
        match &expr.kind {
            Kind::Local(local) | Kind::Narrow { local, .. } => self.local(expr, *local),
            Kind::Block(elements) => {
                let length = self.opened.len();
                self.all(elements)?;
                self.close(length);
                Ok(())
            }
            Kind::Let { local, value, .. } => {
                self.node(value)?;
                self.declare(expr, *local)
            }
            Kind::Assign { place, value, .. } => {
                self.node(value)?;
                self.place(expr, *place)
            }
            Kind::Map { keys, values } => {
                if keys.len() != values.len() {
                    return self.error(expr, "a map has as many keys as values");
                }
                self.all(values)
            }
            Kind::Switch(switch) => self.switch(expr, switch),
            Kind::While { .. } | Kind::DoWhile { .. } | Kind::For(_) => self.repeated(expr),
            Kind::Break(_) | Kind::Continue(_) if self.loops == 0 => {
                self.error(expr, "there is no loop to leave")
            }
            Kind::Try { body, variable, handler } => {
                self.node(body)?;
                let length = self.opened.len();
                variable.map_or(Ok(()), |variable| self.declare(expr, variable))?;
                self.node(handler)?;
                self.close(length);
                Ok(())
            }
            Kind::Chain(chain) => self.chain(expr, chain),
            Kind::Share(locals) => locals.iter().try_for_each(|local| self.shared(expr, *local)),
            Kind::Interpret(interpret) => {
                interpret.scope.iter().try_for_each(|(local, _)| self.shared(expr, *local))
            }
            Kind::Call { .. } | Kind::Native { .. } | Kind::Qualified { .. } => self.call(expr),
            _ => self.parts(expr),
        }
    }

    fn parts(&mut self, expr: &Expr) -> Result<(), String> {
        let mut outcome = Ok(());
        visit::parts(expr, &mut |part| {
            if outcome.is_ok() {
                outcome = self.node(part);
            }
        });
        outcome
    }

    fn repeated(&mut self, expr: &Expr) -> Result<(), String> {
        let length = self.opened.len();
        let (before, body, after) = match &expr.kind {
            Kind::While { condition, body, .. } => (condition.as_deref(), Some(&**body), None),
            Kind::DoWhile { condition, body, .. } => (None, Some(&**body), Some(&**condition)),
            Kind::For(for_loop) => (Some(&for_loop.iterable), for_loop.body.as_ref(), None),
            _ => (None, None, None),
        };
        before.map_or(Ok(()), |before| self.node(before))?;
        if let Kind::For(for_loop) = &expr.kind {
            for_loop.counter.map_or(Ok(()), |counter| self.declare(expr, counter))?;
            self.declare(expr, for_loop.variable)?;
        }
        self.loops += 1;
        body.map_or(Ok(()), |body| self.node(body))?;
        self.loops -= 1;
        self.close(length);
        after.map_or(Ok(()), |after| self.node(after))
    }

    fn switch(&mut self, expr: &Expr, switch: &Switch) -> Result<(), String> {
        let exact = switch.exact.iter().flat_map(|(_, arms)| arms);
        let mut targets =
            exact.copied().chain(switch.ranges.iter().map(|range| range.arm)).chain(switch.default);
        if targets.any(|arm| arm >= switch.arms.len()) {
            return self.error(expr, "a case has no arm");
        }
        self.parts(expr)
    }

    fn chain(&mut self, expr: &Expr, chain: &ChainExpr) -> Result<(), String> {
        if chain.chain.arguments() != chain.arguments.len() {
            return self.error(expr, "a chain has as many arguments as its steps take");
        }
        if chain.chain.assign.is_some() != chain.value.is_some() {
            return self.error(expr, "what is assigned has a value, and nothing else has");
        }
        if chain.chain.steps.is_empty() {
            return self.error(expr, "a chain has at least one step");
        }
        if let ChainRoot::Place(place) = &chain.root {
            self.place(expr, *place)?;
        }
        self.parts(expr)
    }

    fn call(&mut self, expr: &Expr) -> Result<(), String> {
        let (Kind::Call { first, arguments, .. }
        | Kind::Native { first, arguments, .. }
        | Kind::Qualified { first, arguments, .. }) = &expr.kind
        else {
            return Ok(());
        };
        if let Some(FirstArgument { place, .. }) = first {
            self.place(expr, *place)?;
        }
        if let Kind::Call { function, .. } = &expr.kind {
            let Some(called) = self.unit.functions.get(*function as usize) else {
                return self.error(expr, "the function that is called does not exist");
            };
            if called.is_top || called.parameters != arguments.len() + usize::from(first.is_some()) {
                return self.error(expr, "a call has as many arguments as the function has parameters");
            }
        }
        self.all(arguments)
    }
}
