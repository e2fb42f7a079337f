//! A reader of our own pages that is stricter than a browser.

use std::collections::BTreeMap;

/// What a page consists of.
#[derive(Debug)]
pub(super) struct Page {
    elements: BTreeMap<String, usize>,
    ids: Vec<String>,
    references: Vec<String>,
}

/// Elements without content and end.
const VOID: [&str; 1] = ["meta"];

impl Page {
    /// Reads a page; one whose tags are not balanced or whose attributes are not quoted panics.
    pub(super) fn parse(html: &str) -> Self {
        let body = html.strip_prefix("<!DOCTYPE html>\n").expect("a document type");
        let mut page = Self { elements: BTreeMap::new(), ids: Vec::new(), references: Vec::new() };
        let mut open: Vec<String> = Vec::new();
        let mut rest = body;
        while let Some(at) = rest.find('<') {
            let (text, tag) = rest.split_at(at);
            assert!(
                !text.contains('>') || open.last().is_some_and(|name| name == "style"),
                "{text}"
            );
            let end = tag.find('>').expect("the end of a tag");
            let inside = &tag[1..end];
            rest = &tag[end + 1..];
            if let Some(name) = inside.strip_prefix('/') {
                assert_eq!(open.pop().as_deref(), Some(name), "closed before {rest:.60}");
                continue;
            }
            let (inside, closed) =
                inside.strip_suffix('/').map_or((inside, false), |inside| (inside, true));
            let (name, attributes) = inside.split_once(' ').unwrap_or((inside, ""));
            assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric()), "<{inside}>");
            page.attributes(attributes);
            *page.elements.entry(name.to_owned()).or_default() += 1;
            if !closed && !VOID.contains(&name) {
                open.push(name.to_owned());
            }
        }
        assert!(open.is_empty(), "left open: {open:?}");
        page
    }

    fn attributes(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            let (name, value) = rest.split_once("=\"").expect(text);
            assert!(
                name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'),
                "{text}"
            );
            let (value, after) = value.split_once('"').expect(text);
            assert!(!value.contains('<') && !name.starts_with("on"), "{text}");
            match name {
                "id" => self.ids.push(value.to_owned()),
                "aria-labelledby" => self.references.extend(value.split(' ').map(str::to_owned)),
                "href" => self.references.push(value.strip_prefix('#').expect(value).to_owned()),
                _ => {}
            }
            rest = after.trim_start();
        }
    }

    /// How many elements of this name there are.
    pub(super) fn count(&self, name: &str) -> usize {
        self.elements.get(name).copied().unwrap_or(0)
    }

    /// Every name is given once, and every reference leads to one.
    pub(super) fn check_references(&self) {
        let mut ids = self.ids.clone();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), self.ids.len(), "a name twice among {:?}", self.ids);
        assert!(self.references.len() > 10);
        for reference in &self.references {
            assert!(ids.contains(reference), "`{reference}` is nowhere");
        }
    }
}

/// The text of a page without its tags, with one space between pieces.
pub(super) fn visible_text(html: &str) -> String {
    let body = html.split_once("<body>").expect("a body").1;
    let pieces = body.split('<').filter_map(|piece| piece.split_once('>').map(|(_, text)| text));
    let words: Vec<_> = pieces.flat_map(str::split_whitespace).collect();
    let quoted = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    quoted.iter().fold(words.join(" "), |text, (from, to)| text.replace(from, to))
}
