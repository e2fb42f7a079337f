//! The fields of MITAB: references `database:identifier(description)`, joined by `|`.
//!
//! What holds a reserved character is quoted, and a mark in quotes is escaped by a backslash
//! (<https://psicquic.github.io/MITAB28Format.html>).

use std::borrow::Cow;

/// What a field refers to. Parts that are missing are empty.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reference<'f> {
    pub(super) database: Cow<'f, str>,
    pub(super) identifier: Cow<'f, str>,
    pub(super) description: Cow<'f, str>,
}

impl Reference<'_> {
    /// Whether it is to one of these databases, in whichever case.
    pub(super) fn is_to(&self, databases: &[&str]) -> bool {
        databases.iter().any(|name| self.database.eq_ignore_ascii_case(name))
    }

    /// Whether it is to one of these terms of PSI-MI, given by their numbers: `psi-mi:"MI:0326"(protein)`,
    /// or `MI:0326(protein)` in older files.
    pub(super) fn is_term(&self, numbers: &[&str]) -> bool {
        numbers.contains(&self.identifier.strip_prefix("MI:").unwrap_or(&self.identifier))
    }

    /// What people call it: the description or, without one, the identifier.
    pub(super) fn name(&self) -> &str {
        if self.description.is_empty() { &self.identifier } else { &self.description }
    }
}

/// The references of a field; `-` and the empty text hold none.
pub(super) fn references(field: &str) -> impl Iterator<Item = Reference<'_>> {
    let mut rest = Some(field.trim()).filter(|field| !matches!(*field, "" | "-"));
    std::iter::from_fn(move || {
        let (item, further) = cut(rest?, '|');
        rest = further;
        let (database, identifier) = cut(item, ':');
        // Without a database, all is identifier.
        let (database, identifier) = identifier.map_or(("", item), |rest| (database, rest));
        let (identifier, description) = cut(identifier, '(');
        let description = description.unwrap_or_default();
        let description = description.strip_suffix(')').unwrap_or(description);
        Some(Reference {
            database: unquoted(database),
            identifier: unquoted(identifier),
            description: unquoted(description),
        })
    })
}

/// The text before the first `separator` outside quotes, and what is behind it.
///
/// A mark opens a quotation only where a part begins: some files have marks inside of names that are
/// not quoted.
fn cut(text: &str, separator: char) -> (&str, Option<&str>) {
    let (mut quoted, mut escaped, mut begins) = (false, false, true);
    for (at, c) in text.char_indices() {
        if escaped {
            escaped = false;
        } else if quoted {
            escaped = c == '\\';
            quoted = c != '"';
        } else if c == separator {
            return (&text[..at], Some(&text[at + c.len_utf8()..]));
        } else {
            quoted = c == '"' && begins;
            begins = matches!(c, '|' | ':' | '(');
        }
    }
    (text, None)
}

/// A part without spaces around it, its quotes and its escapes.
fn unquoted(part: &str) -> Cow<'_, str> {
    let part = part.trim();
    let inner = part.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match inner {
        None => Cow::Borrowed(part),
        Some(inner) if !inner.contains('\\') => Cow::Borrowed(inner),
        Some(inner) => Cow::Owned(inner.replace("\\\"", "\"").replace("\\\\", "\\")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(field: &str) -> Vec<[String; 3]> {
        let texts = |r: Reference| [r.database, r.identifier, r.description].map(Cow::into_owned);
        references(field).map(texts).collect()
    }

    #[test]
    fn parts_are_told_apart_outside_quotes() {
        for (field, expected) in [
            ("uniprotkb:P12345", vec![["uniprotkb", "P12345", ""]]),
            (r#"psi-mi:"MI:0018"(two hybrid)"#, vec![["psi-mi", "MI:0018", "two hybrid"]]),
            (
                "taxid:9606(human)|taxid:9606(Homo sapiens)",
                vec![["taxid", "9606", "human"], ["taxid", "9606", "Homo sapiens"]],
            ),
            (
                r#"chebi:"CHEBI:1|2"("a \"b\" (c)|d")|x:y"#,
                vec![["chebi", "CHEBI:1|2", r#"a "b" (c)|d"#], ["x", "y", ""]],
            ),
            (
                "entrez gene/locuslink:5\" end|uniprot/swiss-prot:P1",
                vec![["entrez gene/locuslink", "5\" end", ""], ["uniprot/swiss-prot", "P1", ""]],
            ),
            ("P12345", vec![["", "P12345", ""]]),
            ("a:b(c", vec![["a", "b", "c"]]),
            ("a:\"b|c", vec![["a", "\"b|c", ""]]),
            ("|", vec![["", "", ""], ["", "", ""]]),
            ("-", vec![]),
            (" ", vec![]),
        ] {
            assert_eq!(read(field), expected, "{field}");
        }
    }
}
