//! From maps to XML text.

use std::fmt::Write;

use quick_xml::escape::escape;
use rhai::{Array, Dynamic, ImmutableString, Map};

use super::{DEPTH_MAX, ELEMENTS_MAX, TEXT, is_character, is_name};
use crate::script::api::scalar_text;
use crate::script::context::{HostResult, fail};

/// The text so far, and how many elements it has.
struct Writer {
    out: String,
    elements: usize,
}

pub(super) fn stringify(document: Map) -> HostResult<ImmutableString> {
    let mut entries = document.iter();
    let (Some((name, content)), None) = (entries.next(), entries.next()) else {
        return fail(format!(
            "xml::stringify: a document is a map with one entry, the root, not {}",
            document.len()
        ));
    };
    if content.is_array() {
        return fail("xml::stringify: the root cannot be an array: a document has one root");
    }
    let mut writer = Writer { out: String::new(), elements: 0 };
    writer.element(name, content, DEPTH_MAX)?;
    Ok(writer.out.into())
}

impl Writer {
    /// Writes an element; `depth` is how many levels are left.
    fn element(&mut self, name: &str, content: &Dynamic, depth: usize) -> HostResult<()> {
        if depth == 0 {
            return fail(format!("xml::stringify: elements nested more than {DEPTH_MAX} levels deep"));
        }
        self.elements += 1;
        if self.elements > ELEMENTS_MAX {
            return fail(format!("xml::stringify: more than {ELEMENTS_MAX} elements"));
        }
        checked_name(name)?;
        self.out.push('<');
        self.out.push_str(name);
        let fields = content.read_lock::<Map>();
        if let Some(fields) = &fields {
            self.attributes(fields)?;
        }
        self.out.push('>');
        let begin = self.out.len();
        match &fields {
            Some(fields) => self.children(fields, depth)?,
            None => self.text(name, content)?,
        }
        if self.out.len() == begin {
            self.out.insert(begin - 1, '/');
            return Ok(());
        }
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
        Ok(())
    }

    fn attributes(&mut self, fields: &Map) -> HostResult<()> {
        for (key, value) in fields {
            let Some(name) = key.strip_prefix('@') else { continue };
            if value.is_unit() {
                continue;
            }
            checked_name(name)?;
            let text = checked_text(key, value)?;
            // Readers turn line breaks and tabs in attributes into blanks unless they are references.
            let text =
                escape(text.as_str()).replace('\n', "&#10;").replace('\t', "&#9;").replace('\r', "&#13;");
            // Writing into a string cannot fail.
            let _ = write!(self.out, " {name}=\"{text}\"");
        }
        Ok(())
    }

    fn children(&mut self, fields: &Map, depth: usize) -> HostResult<()> {
        for (name, value) in fields {
            if name.starts_with('@') || value.is_unit() {
                continue;
            }
            if name == TEXT {
                self.text(name, value)?;
            } else if let Some(items) = value.read_lock::<Array>() {
                items.iter().try_for_each(|item| self.element(name, item, depth - 1))?;
            } else {
                self.element(name, value, depth - 1)?;
            }
        }
        Ok(())
    }

    fn text(&mut self, name: &str, value: &Dynamic) -> HostResult<()> {
        if !value.is_unit() {
            let text = checked_text(name, value)?;
            self.out.push_str(&escape(text.as_str()).replace('\r', "&#13;"));
        }
        Ok(())
    }
}

fn checked_name(name: &str) -> HostResult<()> {
    if is_name(name) {
        return Ok(());
    }
    fail(format!(
        "xml::stringify: {name:?} cannot name an element or attribute; names begin with a letter or _"
    ))
}

fn checked_text(name: &str, value: &Dynamic) -> HostResult<ImmutableString> {
    match scalar_text(value) {
        Some(text) if text.chars().all(is_character) => Ok(text),
        Some(_) => {
            fail(format!("xml::stringify: {name} holds a control character, which XML has no form for"))
        }
        None => fail(format!(
            "xml::stringify: {name} is a string, number, bool, map or array of those, not {}",
            value.type_name()
        )),
    }
}
