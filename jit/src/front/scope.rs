//! The interpreter's scope as it will be when a piece of code runs.

use rhai::Position;

use crate::ir::{Exported, Local, LocalId};
use crate::position::pack;

/// Variables in scope, and all variables of the function.
pub(super) struct Scope {
    entries: Vec<Entry>,
    locals: Vec<Local>,
}

struct Entry {
    local: LocalId,
    constant: bool,
    /// Names under which a module exports it.
    aliases: Vec<String>,
}

/// A variable that was found.
#[derive(Clone, Copy)]
pub(super) struct Found {
    pub(super) local: LocalId,
    pub(super) constant: bool,
}

impl Scope {
    pub(super) fn new(parameters: Vec<String>) -> Self {
        let mut scope = Self { entries: Vec::new(), locals: Vec::new() };
        for name in parameters {
            scope.declare(&name, false, Position::NONE);
        }
        scope
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Ends the scope of everything declared after it had this length.
    pub(super) fn truncate(&mut self, length: usize) {
        self.entries.truncate(length);
    }

    pub(super) fn declare(&mut self, name: &str, constant: bool, position: Position) -> LocalId {
        let local = LocalId::try_from(self.locals.len()).expect("fewer variables than 2^32");
        self.locals.push(Local {
            name: name.to_owned(),
            captured: false,
            by_reference: false,
            position: pack(position),
        });
        self.entries.push(Entry { local, constant, aliases: Vec::new() });
        local
    }

    /// Declares a variable in the place of one of the same block and name, `offset` entries from the end.
    pub(super) fn redeclare(&mut self, offset: usize, constant: bool, exported: bool) -> Option<LocalId> {
        let index = self.entries.len().checked_sub(offset)?;
        let entry = self.entries.get_mut(index)?;
        entry.constant = constant;
        let local = entry.local;
        // Which of the two is left in scope when an error ends the script is known only then: its value tells.
        self.locals[local as usize].captured |= exported;
        Some(local)
    }

    /// The variable that the interpreter finds: at an offset from the end, or the last of the name.
    pub(super) fn find(&self, offset: Option<usize>, name: &str) -> Option<Found> {
        let entry = match offset {
            Some(offset) if offset > 0 => self.entries.get(self.entries.len().checked_sub(offset)?)?,
            _ => self.entries.iter().rev().find(|entry| self.name(entry.local) == name)?,
        };
        Some(Found { local: entry.local, constant: entry.constant })
    }

    pub(super) fn local_mut(&mut self, local: LocalId) -> &mut Local {
        &mut self.locals[local as usize]
    }

    pub(super) fn name(&self, local: LocalId) -> &str {
        &self.locals[local as usize].name
    }

    /// Exports the last variable of the name under an alias.
    pub(super) fn alias(&mut self, name: &str, alias: &str) {
        let index = self.entries.iter().rposition(|entry| self.locals[entry.local as usize].name == name);
        if let Some(index) = index {
            self.entries[index].aliases.push(alias.to_owned());
        }
    }

    /// The names in scope, innermost last.
    pub(super) fn names(&self) -> Vec<String> {
        self.entries.iter().map(|entry| self.name(entry.local).to_owned()).collect()
    }

    pub(super) fn visible(&self) -> Vec<(LocalId, bool)> {
        self.entries.iter().map(|entry| (entry.local, entry.constant)).collect()
    }

    /// What is still in scope, beside the first entries.
    pub(super) fn exported(&self, parameters: usize) -> Vec<Exported> {
        let export = |entry: &Entry| Exported {
            local: entry.local,
            constant: entry.constant,
            aliases: entry.aliases.clone(),
        };
        self.entries.iter().skip(parameters).map(export).collect()
    }

    /// Position in the list of exported variables of the entry that was declared last.
    pub(super) fn last_exported(&self, parameters: usize) -> u32 {
        u32::try_from(self.entries.len().saturating_sub(parameters)).unwrap_or(u32::MAX)
    }

    pub(super) fn take_locals(&mut self) -> Vec<Local> {
        std::mem::take(&mut self.locals)
    }
}
