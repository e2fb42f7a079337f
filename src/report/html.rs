//! The report as one HTML page that needs nothing else: no script, font, image or address.

use std::fmt::Write as _;

use super::chart;
use super::document::{Block, Document, Fact, Figure, Kind, Section, Table, Tone, Verdict};
use super::text::escaped;

const STYLE: &str = include_str!("style.css");
/// Browsers load nothing for this page and run nothing in it, whatever a name in it may say.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";

/// The page.
pub(super) fn page(document: &Document) -> String {
    let (title, subtitle) = (escaped(&document.title), escaped(&document.subtitle));
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"{POLICY}\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <header>\n<h1>{title}</h1>\n<p class=\"subtitle\">{subtitle}</p>\n</header>\n<main>\n"
    );
    verdict(&document.verdict, &mut html);
    contents(&document.sections, &mut html);
    let mut figures = 0;
    for section in &document.sections {
        let (id, heading) = (section.id, escaped(&section.heading));
        // Writing to a string cannot fail.
        let _ = writeln!(html, "<section id=\"{id}\" aria-labelledby=\"{id}-heading\">");
        let _ = writeln!(html, "<h2 id=\"{id}-heading\">{heading}</h2>");
        for neighbours in section.blocks.chunk_by(|one, other| is_figure(one) && is_figure(other)) {
            let (before, after) = match is_figure(&neighbours[0]) {
                true => ("<div class=\"figures\">\n", "</div>\n"),
                false => ("", ""),
            };
            html.push_str(before);
            neighbours.iter().for_each(|one| block(one, &mut figures, &mut html));
            html.push_str(after);
        }
        html.push_str("</section>\n");
    }
    html.push_str("</main>\n</body>\n</html>\n");
    html
}

fn is_figure(block: &Block) -> bool {
    matches!(block, Block::Figure(_))
}

fn verdict(verdict: &Verdict, html: &mut String) {
    let Verdict { tone, answer, sentence, facts } = verdict;
    let (class, answer, sentence) = (class(*tone), escaped(answer), escaped(sentence));
    let _ = writeln!(html, "<section class=\"verdict {class}\" aria-label=\"Verdict\">");
    let _ = writeln!(html, "<p class=\"answer\">{answer}</p>\n<p>{sentence}</p>");
    if !facts.is_empty() {
        html.push_str("<dl class=\"facts\">\n");
        for Fact { label, value, beside } in facts {
            let [label, value, beside] = [label, value, beside].map(|text| escaped(text));
            let _ = writeln!(
                html,
                "<div><dt>{label}</dt><dd>{value}</dd><dd class=\"beside\">{beside}</dd></div>"
            );
        }
        html.push_str("</dl>\n");
    }
    html.push_str("</section>\n");
}

fn contents(sections: &[Section], html: &mut String) {
    html.push_str("<nav aria-label=\"Contents\">\n<ul>\n");
    for Section { id, heading, .. } in sections {
        let _ = writeln!(html, "<li><a href=\"#{id}\">{}</a></li>", escaped(heading));
    }
    html.push_str("</ul>\n</nav>\n");
}

fn block(block: &Block, figures: &mut usize, html: &mut String) {
    let _ = match block {
        Block::Paragraph(text) => writeln!(html, "<p>{}</p>", inline(text)),
        Block::Note(tone, text) => {
            writeln!(html, "<p class=\"note {}\">{}</p>", class(*tone), inline(text))
        }
        Block::List(items) => {
            let items = items.iter().map(|item| format!("<li>{}</li>\n", inline(item)));
            writeln!(html, "<ul>\n{}</ul>", items.collect::<String>())
        }
        Block::Terms(terms) => {
            let terms = terms.iter().map(|(term, meaning)| {
                format!("<dt>{}</dt>\n<dd>{}</dd>\n", escaped(term), escaped(meaning))
            });
            writeln!(html, "<dl class=\"terms\">\n{}</dl>", terms.collect::<String>())
        }
        Block::Table(rows) => return table(rows, html),
        Block::Figure(figure) => {
            *figures += 1;
            return self::figure(figure, *figures, html);
        }
    };
}

fn figure(figure: &Figure, number: usize, html: &mut String) {
    let Figure { chart, reading, numbers } = figure;
    let svg = chart::svg(chart, &format!("figure-{number}"));
    let (title, reading) = (escaped(&chart.title), escaped(reading));
    let _ = writeln!(html, "<figure>\n<h3>{title}</h3>\n{svg}");
    let _ = writeln!(html, "<figcaption>{reading}</figcaption>");
    html.push_str("<details>\n<summary>Numbers</summary>\n");
    table(numbers, html);
    html.push_str("</details>\n</figure>\n");
}

fn table(table: &Table, html: &mut String) {
    let Table { caption, columns, rows } = table;
    // Wide tables scroll within the page; what scrolls must be reachable by keyboard.
    let caption = escaped(caption);
    let _ = writeln!(
        html,
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"{caption}\">\n<table>\n\
         <caption>{caption}</caption>"
    );
    html.push_str("<thead>\n<tr>");
    for column in columns {
        let _ = write!(
            html,
            "<th scope=\"col\"{}>{}</th>",
            cell_class(column.kind),
            escaped(&column.name)
        );
    }
    html.push_str("</tr>\n</thead>\n<tbody>\n");
    for row in rows {
        html.push_str("<tr>");
        for (at, (cell, column)) in row.iter().zip(columns).enumerate() {
            let class = cell_class(column.kind);
            let cell = if column.kind == Kind::Words { inline(cell) } else { escaped(cell) };
            let _ = match at {
                0 => write!(html, "<th scope=\"row\"{class}>{cell}</th>"),
                _ => write!(html, "<td{class}>{cell}</td>"),
            };
        }
        html.push_str("</tr>\n");
    }
    html.push_str("</tbody>\n</table>\n</div>\n");
}

/// Text in which pairs of backticks, as messages have them, enclose what is quoted.
fn inline(text: &str) -> String {
    let escaped = escaped(text);
    let pieces: Vec<_> = escaped.split('`').collect();
    if pieces.len().is_multiple_of(2) {
        return escaped;
    }
    let quoted = |(at, piece): (usize, &&str)| match at % 2 {
        0 => (*piece).to_owned(),
        _ => format!("<code>{piece}</code>"),
    };
    pieces.iter().enumerate().map(quoted).collect()
}

fn cell_class(kind: Kind) -> &'static str {
    match kind {
        Kind::Words => "",
        Kind::Number => " class=\"number\"",
        Kind::Code => " class=\"code\"",
    }
}

fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Doubtful => "doubtful",
        Tone::Bad => "bad",
    }
}
