//! The report as Markdown with tables, as GitHub, editors and `pandoc` read it.
//!
//! Charts become their description and their numbers.

use std::fmt::Write as _;

use super::document::{Block, Document, Fact, Figure, Kind, Table, Tone, Verdict};
use super::text::visible;

/// The text.
pub(super) fn text(document: &Document) -> String {
    let Document { title, subtitle, verdict, sections } = document;
    let Verdict { answer, sentence, facts, .. } = verdict;
    let [title, subtitle, answer, sentence] =
        [title, subtitle, answer, sentence].map(|text| escaped(text));
    let mut markdown = format!("# {title}\n\n{subtitle}\n\n**{answer}** {sentence}\n\n");
    for Fact { label, value, beside } in facts {
        let [label, value, beside] = [label, value, beside].map(|text| escaped(text));
        // Writing to a string cannot fail.
        let _ = writeln!(markdown, "- {label}: **{value}**, {beside}");
    }
    if !facts.is_empty() {
        markdown.push('\n');
    }
    for section in sections {
        let _ = writeln!(markdown, "## {}\n", escaped(&section.heading));
        section.blocks.iter().for_each(|one| block(one, &mut markdown));
    }
    markdown.truncate(markdown.trim_end().len());
    markdown.push('\n');
    markdown
}

fn block(block: &Block, markdown: &mut String) {
    let _ = match block {
        Block::Paragraph(text) => writeln!(markdown, "{}\n", escaped(text)),
        Block::Note(tone, text) => writeln!(markdown, "> **{}** {}\n", word(*tone), escaped(text)),
        Block::List(items) => {
            let items = items.iter().map(|item| format!("- {}\n", escaped(item)));
            writeln!(markdown, "{}", items.collect::<String>())
        }
        Block::Terms(terms) => {
            let terms = terms
                .iter()
                .map(|(term, meaning)| format!("- **{}**: {}\n", escaped(term), escaped(meaning)));
            writeln!(markdown, "{}", terms.collect::<String>())
        }
        Block::Table(rows) => return table(rows, markdown),
        Block::Figure(figure) => {
            let Figure { chart, reading, numbers } = &**figure;
            let _ = writeln!(markdown, "### {}\n", escaped(&chart.title));
            let _ = writeln!(markdown, "{} {}\n", escaped(&chart.description), escaped(reading));
            return table(numbers, markdown);
        }
    };
}

fn table(table: &Table, markdown: &mut String) {
    let Table { caption, columns, rows } = table;
    let _ = writeln!(markdown, "{}\n", escaped(caption));
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    markdown.push_str(&line(columns.iter().map(|column| escaped(&column.name)).collect()));
    let rule = |kind| if kind == Kind::Number { "---:" } else { "---" };
    markdown.push_str(&line(columns.iter().map(|column| rule(column.kind).to_owned()).collect()));
    for row in rows {
        markdown.push_str(&line(row.iter().map(|cell| escaped(cell)).collect()));
    }
    markdown.push('\n');
}

fn word(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "Good:",
        Tone::Doubtful => "Careful:",
        Tone::Bad => "Warning:",
    }
}

/// Text without a character that Markdown, or HTML within it, would act on.
fn escaped(text: &str) -> String {
    let mut markdown = String::with_capacity(text.len());
    for character in text.chars().map(visible) {
        match character {
            '&' => markdown.push_str("&amp;"),
            '<' => markdown.push_str("&lt;"),
            '>' => markdown.push_str("&gt;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '#' | '!' | '$' => {
                markdown.push('\\');
                markdown.push(character);
            }
            other => markdown.push(other),
        }
    }
    markdown
}
