//! As much of LogQL as selects and filters lines: `{a="b",c=~"d"} |= "e" |~ "f" != "g" | label=~"h" or other="i"`, and a count of
//! such lines. What is beyond that is refused as what it is: not played here.

use regex::Regex;

use super::store::Labels;

/// A query of lines.
#[derive(Debug)]
pub(super) struct Query {
    matchers: Vec<Matcher>,
    stages: Vec<Stage>,
}

#[derive(Debug)]
struct Matcher {
    label: String,
    is: bool,
    test: Test,
}

#[derive(Debug)]
enum Test {
    Equal(String),
    /// Of a label all must be found, of a line a part.
    Found(Regex),
}

#[derive(Debug)]
enum Stage {
    Line {
        is: bool,
        test: Test,
    },
    /// Any of these.
    Label(Vec<Matcher>),
}

/// A query, and what is asked of it.
#[derive(Debug)]
pub(super) enum Asked {
    Lines(Query),
    /// How many in so many nanoseconds.
    Count(Query, i64),
}

/// Reads a query; why not, as the real one says it.
pub(super) fn parse(text: &str) -> Result<Asked, String> {
    if text.is_empty() {
        return Err("parse error : syntax error: unexpected $end".to_owned());
    }
    if let Some(inner) = text.strip_prefix("sum(count_over_time(").and_then(|rest| rest.strip_suffix("]))")) {
        let (query, range) = inner.rsplit_once('[').ok_or_else(|| wrong(text, text.len()))?;
        let span = range.strip_suffix("ns").and_then(|span| span.parse().ok());
        let span = span.ok_or_else(|| "not played here: a range that is no number of nanoseconds".to_owned())?;
        return Ok(Asked::Count(Parser { text: query, at: 0 }.query()?, span));
    }
    Ok(Asked::Lines(Parser { text, at: 0 }.query()?))
}

fn wrong(text: &str, at: usize) -> String {
    let what = match text.get(at..).and_then(|rest| rest.chars().next()) {
        None => "$end",
        Some(c) if c.is_alphanumeric() => "IDENTIFIER",
        Some(_) => "token",
    };
    format!("parse error at line 1, col {}: syntax error: unexpected {what}", at + 1)
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
}

impl Parser<'_> {
    fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip(&mut self) {
        let blank = self.rest().len() - self.rest().trim_start().len();
        self.at += blank;
    }

    fn takes(&mut self, mark: &str) -> bool {
        self.skip();
        let there = self.rest().starts_with(mark);
        if there {
            self.at += mark.len();
        }
        there
    }

    fn wrong<T>(&self) -> Result<T, String> {
        Err(wrong(self.text, self.at))
    }

    fn query(mut self) -> Result<Query, String> {
        if !self.takes("{") {
            return self.wrong();
        }
        let mut selectors = Vec::new();
        loop {
            if self.takes("}") {
                break;
            }
            selectors.push(self.matcher()?);
            if !self.takes(",") {
                if self.takes("}") {
                    break;
                }
                let said = wrong(self.text, self.at);
                return Err(if self.rest().is_empty() { format!("{said}, expecting }} or ,") } else { said });
            }
        }
        let selects = |matcher: &Matcher| matcher.is && !matcher.test.finds("", true);
        if !selectors.iter().any(selects) {
            return Err("parse error : queries require at least one regexp or equality matcher that does not have an empty-compatible value. For instance, app=~\".*\" does not meet this requirement, but app=~\".+\" will".to_owned());
        }
        let mut stages = Vec::new();
        loop {
            self.skip();
            let line = [("|=", true), ("|~", true), ("!=", false), ("!~", false)]
                .into_iter()
                .find(|(mark, _)| self.rest().starts_with(mark));
            if let Some((mark, is)) = line {
                self.at += mark.len();
                let said = self.string()?;
                let test = if mark.ends_with('~') { Test::Found(regex(&said)?) } else { Test::Equal(said) };
                stages.push(Stage::Line { is, test });
            } else if self.takes("|") {
                let mut any = vec![self.matcher()?];
                while self.takes("or ") {
                    any.push(self.matcher()?);
                }
                stages.push(Stage::Label(any));
            } else if self.rest().is_empty() {
                return Ok(Query { matchers: selectors, stages });
            } else {
                return self.wrong();
            }
        }
    }

    fn matcher(&mut self) -> Result<Matcher, String> {
        self.skip();
        let length = self.rest().find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest().len());
        if length == 0 {
            return self.wrong();
        }
        let label = self.rest().get(..length).unwrap_or_default().to_owned();
        self.at += length;
        let kinds = [("=~", true, true), ("!~", false, true), ("!=", false, false), ("=", true, false)];
        for (mark, is, pattern) in kinds {
            if self.takes(mark) {
                let said = self.string()?;
                let test = if pattern { Test::Found(regex(&format!("^(?:{said})$"))?) } else { Test::Equal(said) };
                return Ok(Matcher { label, is, test });
            }
        }
        self.wrong()
    }

    fn string(&mut self) -> Result<String, String> {
        if self.takes("`") {
            let Some(end) = self.rest().find('`') else { return self.wrong() };
            let text = self.rest().get(..end).unwrap_or_default().to_owned();
            self.at += end + 1;
            return Ok(text);
        }
        if !self.takes("\"") {
            return self.wrong();
        }
        let (mut text, mut escaped) = (String::new(), false);
        for (at, c) in self.rest().char_indices() {
            match c {
                c if escaped => {
                    text.push(if c == 'n' { '\n' } else { c });
                    escaped = false;
                }
                '\\' => escaped = true,
                '"' => {
                    self.at += at + 1;
                    return Ok(text);
                }
                c => text.push(c),
            }
        }
        self.at = self.text.len();
        self.wrong()
    }
}

fn regex(text: &str) -> Result<Regex, String> {
    Regex::new(text).map_err(|_| format!("parse error : error parsing regexp: `{text}`"))
}

impl Test {
    fn finds(&self, text: &str, whole: bool) -> bool {
        match self {
            Self::Equal(own) if whole => text == own,
            Self::Equal(own) => text.contains(own.as_str()),
            Self::Found(regex) => regex.is_match(text),
        }
    }
}

impl Matcher {
    fn takes(&self, labels: &Labels, more: &Labels) -> bool {
        let value = more.get(&self.label).or_else(|| labels.get(&self.label)).map(String::as_str);
        self.test.finds(value.unwrap_or_default(), true) == self.is
    }
}

impl Query {
    /// Is this stream one of those that are selected?
    pub(super) fn selects(&self, stream: &Labels) -> bool {
        self.matchers.iter().all(|matcher| matcher.takes(stream, &Labels::new()))
    }

    /// Is this line one of those that are wanted?
    pub(super) fn wants(&self, stream: &Labels, line: &str, metadata: &Labels) -> bool {
        self.stages.iter().all(|stage| match stage {
            Stage::Line { is, test } => test.finds(line, false) == *is,
            Stage::Label(any) => any.iter().any(|matcher| matcher.takes(stream, metadata)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Query {
        match parse(text) {
            Ok(Asked::Lines(query)) => query,
            other => panic!("{other:?}"),
        }
    }

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn lines_are_selected_by_labels_and_filtered_by_words_and_by_what_stands_beside_them() {
        let stream = labels(&[("app", "pay\"ments"), ("version", "1.42.0")]);
        let beside = labels(&[("detected_level", "error")]);
        let wants = |text: &str| {
            let query = lines(text);
            query.selects(&stream) && query.wants(&stream, "ERROR card Vault timeout", &beside)
        };
        for (text, wanted) in [
            (r#"{app="pay\"ments"}"#, true),
            (r#"{app=~"pay.+", version!="1.41.3"}"#, true),
            (r#"{app=~"ments"}"#, false),
            (r#"{app="pay\"ments"} |= "Vault" != "lost""#, true),
            (r#"{app="pay\"ments"} |= "vault""#, false),
            (r#"{app="pay\"ments"} |~ "(?i)vault" | detected_level!~"trace|debug|info""#, true),
            (r#"{app="pay\"ments"} | version=~"1\\.42\\.0" or other=~"x""#, true),
            (r#"{app="pay\"ments"} | version=~"1\\.41\\.0" or other=~"x""#, false),
            (r#"{app="pay\"ments"} | missing!~"x""#, true),
        ] {
            assert_eq!(wants(text), wanted, "{text}");
        }
    }

    #[test]
    fn what_is_no_query_is_refused_in_words() {
        for (text, said) in [
            ("", "parse error : syntax error: unexpected $end"),
            ("{a=\"b\"", "parse error at line 1, col 7: syntax error: unexpected $end, expecting } or ,"),
            ("{a=\"b\"} | json", "parse error at line 1, col 15: syntax error: unexpected $end"),
            ("rate(x)", "parse error at line 1, col 1: syntax error: unexpected IDENTIFIER"),
        ] {
            assert_eq!(parse(text).unwrap_err(), said, "{text}");
        }
        assert!(parse("{a=~\".*\"}").unwrap_err().contains("empty-compatible"));
    }
}
