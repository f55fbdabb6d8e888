//! The text of a sum that is asked for by more labels than it was written with. No network, no answers.
//!
//! A query is changed in its text, not printed from its tree: what is sent is then what somebody wrote, but for the labels.

use std::{collections::BTreeSet, ops::Range};

/// A template of `sum by (a, b) (…)` in two other forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Widened {
    /// `sum by (a, b, more) (…)`.
    pub(super) wider: String,
    /// `topk by (a, b) (1, …)`: one series, with all of its labels, for each group.
    pub(super) one_each: String,
}

/// The sum that stands furthest outside, by these labels too; `None` where there is none, or more than one. What it really is
/// must be looked at by whoever can parse it.
pub(super) fn sum(template: &str, labels: &BTreeSet<&str>) -> Option<Widened> {
    let words = words(template);
    let by = words.iter().filter(|word| word.text == "by");
    let outside = by.clone().map(|word| word.depth).min()?;
    let mut outermost = by.filter(|word| word.depth == outside);
    let (word, None) = (outermost.next()?, outermost.next()) else { return None };
    let list = parenthesis(template, word.range.end)?;
    let known: Vec<&str> = template.get(list.clone())?.split(',').map(str::trim).collect();
    let more: Vec<&str> = labels.iter().copied().filter(|label| !known.contains(label)).collect();
    let separator = if more.is_empty() || known == [""] { "" } else { ", " };
    let wider = inserted(template, list.end, &format!("{separator}{}", more.join(", ")))?;
    // `sum by (…) (what)` or `sum (what) by (…)`.
    let name = words.iter().rfind(|it| it.depth == outside && it.range.end <= word.range.start && it.text == "sum")?;
    let behind = template.get(name.range.end..)?.trim_start();
    let what = if behind.starts_with('(') {
        parenthesis(template, name.range.end)?
    } else {
        parenthesis(template, list.end + 1)?
    };
    let mut one_each = inserted(template, what.start, "1, ")?;
    one_each.replace_range(name.range.clone(), "topk");
    Some(Widened { wider, one_each })
}

fn inserted(text: &str, at: usize, what: &str) -> Option<String> {
    let (before, behind) = text.split_at_checked(at)?;
    Some(format!("{before}{what}{behind}"))
}

struct Word<'a> {
    text: &'a str,
    range: Range<usize>,
    /// How many parentheses are open there.
    depth: usize,
}

/// The words of a query outside of quotes, matchers and ranges.
fn words(query: &str) -> Vec<Word<'_>> {
    let (mut words, mut begin, mut depth, mut skipped) = (Vec::new(), None, 0_usize, 0_usize);
    for (at, c) in outside_of_quotes(query).chain([(query.len(), ' ')]) {
        if c.is_alphanumeric() || matches!(c, '_' | ':') {
            begin = begin.or(Some(at));
            continue;
        }
        if let Some(begin) = begin.take()
            && skipped == 0
            && let Some(text) = query.get(begin..at)
        {
            words.push(Word { text, range: begin..at, depth });
        }
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            '{' | '[' => skipped += 1,
            '}' | ']' => skipped = skipped.saturating_sub(1),
            _ => {}
        }
    }
    words
}

/// What stands in the parenthesis that opens next behind `from`, with nothing but blanks before it.
fn parenthesis(query: &str, from: usize) -> Option<Range<usize>> {
    let behind = query.get(from..)?;
    let begin = from + behind.len() - behind.trim_start().len() + 1;
    let mut depth = 0_usize;
    for (at, c) in outside_of_quotes(query).filter(|(at, _)| *at + 1 >= begin) {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.checked_sub(1)?,
            _ if depth == 0 => return None,
            _ => {}
        }
        if depth == 0 {
            return Some(begin..at);
        }
    }
    None
}

/// The characters of a query that are part of no quoted text.
fn outside_of_quotes(query: &str) -> impl Iterator<Item = (usize, char)> {
    let (mut quote, mut escaped) = (None, false);
    query.char_indices().filter(move |(_, c)| match quote {
        Some(open) => {
            if escaped {
                escaped = false;
            } else if *c == '\\' && open != '`' {
                escaped = true;
            } else if *c == open {
                quote = None;
            }
            false
        }
        None if matches!(c, '"' | '\'' | '`') => {
            quote = Some(*c);
            false
        }
        None => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn widened(template: &str) -> Option<(String, String)> {
        sum(template, &BTreeSet::from(["code"])).map(|it| (it.wider, it.one_each))
    }

    fn both(wider: &str, one_each: &str) -> (String, String) {
        (wider.to_owned(), one_each.to_owned())
    }

    #[test]
    fn labels_join_those_of_the_outermost_sum_wherever_they_stand() {
        assert_eq!(
            widened("sum by (app, v) (rate(x{by=\"(by\"$SEL}[$W]) * on (job) max by (job) (info))"),
            Some(both(
                "sum by (app, v, code) (rate(x{by=\"(by\"$SEL}[$W]) * on (job) max by (job) (info))",
                "topk by (app, v) (1, rate(x{by=\"(by\"$SEL}[$W]) * on (job) max by (job) (info))"
            ))
        );
        assert_eq!(
            widened("sum(rate(x{a=\"\\\")\"}[$W])) by (app,code)"),
            Some(both(
                "sum(rate(x{a=\"\\\")\"}[$W])) by (app,code)",
                "topk(1, rate(x{a=\"\\\")\"}[$W])) by (app,code)"
            ))
        );
        assert_eq!(
            widened("label_replace(sum by(app)(rate(x[$W])), 'v', '$1', 'app', '.*-(by)')"),
            Some(both(
                "label_replace(sum by(app, code)(rate(x[$W])), 'v', '$1', 'app', '.*-(by)')",
                "label_replace(topk by(app)(1, rate(x[$W])), 'v', '$1', 'app', '.*-(by)')"
            ))
        );
    }

    #[test]
    fn what_is_no_single_sum_is_left_alone() {
        for template in
            ["rate(x[$W])", "sum by (a) (x) + sum by (a) (y)", "max by (a) (x)", "sum by a", "sum by (a", ""]
        {
            assert_eq!(widened(template), None, "{template}");
        }
    }
}
