//! From XML text to maps, with a stack of its own instead of recursion.

use quick_xml::XmlVersion;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::reader::Reader;
use rhai::{Dynamic, ImmutableString, Map};

use super::{ATTRIBUTES_MAX, DEPTH_MAX, ELEMENTS_MAX, TEXT, is_character, is_name};
use crate::script::context::{HostResult, fail};
use crate::script::lib::values::add_field;

/// An element whose end was not read yet.
struct Open {
    name: String,
    fields: Map,
    text: String,
}

/// What was read so far.
#[derive(Default)]
struct Document {
    open: Vec<Open>,
    root: Option<Map>,
    elements: usize,
    attributes: usize,
}

pub(super) fn parse(text: &str) -> HostResult<Map> {
    let mut reader = Reader::from_str(text);
    let mut document = Document::default();
    let refuse = |position: u64, reason: &str| {
        let before = usize::try_from(position).ok().and_then(|position| text.get(..position)).unwrap_or(text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        fail(format!("not XML: line {line}, column {column}: {reason}"))
    };
    if let Some(at) = text.find(|character| !is_character(character)) {
        return refuse(at as u64, "a control character");
    }
    loop {
        let start = reader.buffer_position();
        let done = match reader.read_event() {
            Ok(Event::Eof) => match document.end() {
                Ok(root) => return Ok(root),
                Err(reason) => Err(reason),
            },
            Ok(event) => document.take(&event),
            Err(error) => return refuse(reader.error_position(), &error.to_string()),
        };
        if let Err(reason) = done {
            return refuse(start, &reason);
        }
    }
}

impl Document {
    fn take(&mut self, event: &Event<'_>) -> Result<(), String> {
        match event {
            Event::Start(start) => self.begin(start),
            Event::Empty(start) => {
                self.begin(start)?;
                self.close();
                Ok(())
            }
            // The reader has compared the names.
            Event::End(_) => {
                self.close();
                Ok(())
            }
            Event::Text(text) => self.text(&text.xml10_content()),
            Event::CData(text) => self.text(&text.xml10_content()),
            Event::GeneralRef(reference) => self.reference(reference),
            Event::DocType(_) => Err("a DTD, which is not taken".into()),
            Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::Eof => Ok(()),
        }
    }

    fn begin(&mut self, start: &BytesStart<'_>) -> Result<(), String> {
        if self.open.is_empty() && self.root.is_some() {
            return Err("a second root element".into());
        }
        if self.open.len() == DEPTH_MAX {
            return Err(format!("elements nested more than {DEPTH_MAX} levels deep"));
        }
        self.elements += 1;
        if self.elements > ELEMENTS_MAX {
            return Err(format!("more than {ELEMENTS_MAX} elements"));
        }
        let name = start.name();
        if !is_name(name.as_ref()) {
            return Err("a name that is none".into());
        }
        let mut open = Open { name: name.as_ref().to_owned(), fields: Map::new(), text: String::new() };
        let mut attributes = start.attributes();
        // The reader's search for duplicates compares each name with all before it; the map does it faster.
        for attribute in attributes.with_checks(false) {
            self.attributes += 1;
            if self.attributes > ATTRIBUTES_MAX {
                return Err(format!("more than {ATTRIBUTES_MAX} attributes"));
            }
            let attribute = attribute.map_err(|error| error.to_string())?;
            let name = attribute.key.as_ref();
            if !is_name(name) {
                return Err("an attribute name that is none".into());
            }
            let value = attribute
                .normalized_value_with(XmlVersion::Explicit1_0, 1, resolve_xml_entity)
                .map_err(|error| error.to_string())?;
            if !value.chars().all(is_character) {
                return Err("a reference to a control character".into());
            }
            let value = ImmutableString::from(&*value);
            if open.fields.insert(format!("@{name}").into(), value.into()).is_some() {
                return Err("the same attribute twice".into());
            }
        }
        self.open.push(open);
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), String> {
        match self.open.last_mut() {
            Some(open) => open.text.push_str(text),
            None if text.trim().is_empty() || text == "\u{FEFF}" => {}
            None => return Err("text outside of the root element".into()),
        }
        Ok(())
    }

    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<(), String> {
        match reference.resolve_char_ref() {
            Ok(Some(character)) if is_character(character) => self.text(character.encode_utf8(&mut [0; 4])),
            Ok(None) => match resolve_xml_entity(reference) {
                Some(text) => self.text(text),
                None => Err("an entity other than amp, lt, gt, apos and quot".into()),
            },
            Ok(Some(_)) | Err(_) => Err("a reference to a character that cannot stand in XML".into()),
        }
    }

    fn close(&mut self) {
        let Some(Open { name, mut fields, text }) = self.open.pop() else { return };
        let content = if fields.is_empty() {
            Dynamic::from(text)
        } else {
            let text = text.trim();
            if !text.is_empty() {
                fields.insert(TEXT.into(), text.into());
            }
            Dynamic::from_map(fields)
        };
        match self.open.last_mut() {
            Some(parent) => add_field(&mut parent.fields, &name, content),
            None => self.root = Some(Map::from([(name.into(), content)])),
        }
    }

    fn end(&mut self) -> Result<Map, String> {
        match (self.open.last(), self.root.take()) {
            (Some(open), _) => Err(format!("the element {} has no end", open.name)),
            (None, None) => Err("no element at all".into()),
            (None, Some(root)) => Ok(root),
        }
    }
}
