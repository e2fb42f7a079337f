//! Numbers and foreign text as people read them.

/// What stands where a value is undefined.
pub(super) const UNDEFINED: &str = "–";

/// A count with its thousands apart: `12,345`.
pub(super) fn count(value: usize) -> String {
    let digits = value.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A count and what is counted, in the plural unless it is one: `3 pairs`, `1 pair`.
pub(super) fn counted(value: usize, noun: &str) -> String {
    let plural = if value == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", count(value))
}

/// A number with so many decimals and no sign of a zero.
pub(super) fn decimals(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(rest) if rest.chars().all(|c| matches!(c, '0' | '.')) => rest.to_owned(),
        _ => text,
    }
}

/// A metric with three decimals; an undefined one is a dash.
pub(super) fn metric(value: Option<f64>) -> String {
    value.map_or_else(|| UNDEFINED.to_owned(), |value| decimals(value, 3))
}

/// A share as a percentage: `12.3 %`.
pub(super) fn percent(share: f64) -> String {
    format!("{} %", decimals(100.0 * share, 1))
}

/// A part of a whole as a percentage; of nothing it is a dash.
pub(super) fn percent_of(part: usize, whole: usize) -> String {
    match whole {
        0 => UNDEFINED.to_owned(),
        _ => percent(part as f64 / whole as f64),
    }
}

/// A number for a tooltip: whole numbers without decimals.
pub(super) fn short(value: f64) -> String {
    match value.fract() == 0.0 {
        true => decimals(value, 0),
        false => decimals(value, 3),
    }
}

/// A number with as many decimals as ticks every `step` need.
pub(super) fn at_step(value: f64, step: f64) -> String {
    let places = (-step.log10().floor()).clamp(0.0, 6.0);
    match places > 0.0 || value < 0.0 {
        true => decimals(value, places as usize),
        false => count(value.round() as usize),
    }
}

/// A number with at most three decimals, none of them a zero at the end.
pub(super) fn trimmed(value: f64) -> String {
    let text = decimals(value, 3);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A text that begins with a capital.
pub(super) fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_uppercase().collect::<String>());
    first.unwrap_or_default() + letters.as_str()
}

/// A message of ours as a sentence of its own.
pub(super) fn sentence(message: &str) -> String {
    let sentence = capitalised(message);
    if sentence.ends_with('.') { sentence } else { sentence + "." }
}

/// The first characters of a text.
pub(super) fn shortened(text: &str, longest: usize) -> String {
    match text.chars().nth(longest) {
        Some(_) => text.chars().take(longest - 1).chain(['…']).collect(),
        None => text.to_owned(),
    }
}

/// Text for the inside of an HTML element or of a quoted attribute.
///
/// Characters that control the terminal or the direction of writing are replaced: names come from
/// files of strangers.
pub(super) fn escaped(text: &str) -> String {
    let mut html = String::with_capacity(text.len());
    for character in text.chars().map(visible) {
        match character {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            other => html.push(other),
        }
    }
    html
}

/// The character, or a sign for one that must not act.
pub(super) fn visible(character: char) -> char {
    match character {
        '\n' | '\t' => ' ',
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        other if other.is_control() => '\u{fffd}',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([0, 999, 1000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([counted(1, "pair"), counted(1200, "pair")], ["1 pair", "1,200 pairs"]);
        assert_eq!([decimals(-0.0001, 3), decimals(-0.5, 1)], ["0.000", "-0.5"]);
        assert_eq!([metric(Some(0.5)), metric(None)], ["0.500", "–"]);
        assert_eq!([percent_of(1, 8), percent_of(0, 0)], ["12.5 %", "–"]);
        assert_eq!([short(3.0), short(0.25)], ["3", "0.250"]);
        let ticks =
            [at_step(0.2, 0.1), at_step(0.05, 0.05), at_step(2000.0, 500.0), at_step(-1.0, 1.0)];
        assert_eq!(ticks, ["0.2", "0.05", "2,000", "-1"]);
        assert_eq!([trimmed(0.1), trimmed(1.0), trimmed(1.0 / 15.0)], ["0.1", "1", "0.067"]);
        assert_eq!(
            [sentence("a part has 3 pairs"), sentence("So.")],
            ["A part has 3 pairs.", "So."]
        );
        assert_eq!([shortened("abcdef", 4), shortened("abcd", 4)], ["abc…", "abcd"]);
    }

    #[test]
    fn foreign_text_neither_marks_up_nor_turns_around() {
        let text = escaped("<b a=\"1\" c='2'>&\u{1b}\u{202e}\n");
        assert_eq!(text, "&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;\u{fffd}\u{fffd} ");
    }
}
