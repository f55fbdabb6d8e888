//! Rust source as the walls need it: names, `::` and signs. Comments, strings, characters and lifetimes are gone, so that a path
//! in one of them is no arrow.

use std::{iter::Peekable, str::Chars};

/// A piece of source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A name or a keyword.
    Name(String),
    /// `::`
    Sep,
    /// Any other sign.
    Sign(char),
}

/// The pieces of a file, in order.
pub(crate) fn tokens(code: &str) -> Vec<Token> {
    let mut found = Vec::new();
    let mut rest = code.chars().peekable();
    while let Some(first) = rest.next() {
        match first {
            '/' if rest.peek() == Some(&'/') => skip_line(&mut rest),
            '/' if rest.peek() == Some(&'*') => skip_comment(&mut rest),
            '"' => skip_string(&mut rest),
            '\'' => skip_character_or_lifetime(&mut rest),
            ':' if rest.next_if_eq(&':').is_some() => found.push(Token::Sep),
            c if c.is_ascii_digit() => while rest.next_if(|c| c.is_ascii_alphanumeric() || *c == '_').is_some() {},
            c if c.is_alphabetic() || c == '_' => found.extend(word(c, &mut rest).map(Token::Name)),
            c if c.is_whitespace() => {}
            c => found.push(Token::Sign(c)),
        }
    }
    found
}

/// A name; nothing where it only begins a literal (`b"…"`, `r#"…"#`, `b'…'`).
fn word(first: char, rest: &mut Peekable<Chars<'_>>) -> Option<String> {
    let mut name = String::from(first);
    while let Some(c) = rest.next_if(|c| c.is_alphanumeric() || *c == '_') {
        name.push(c);
    }
    let raw = ["r", "br", "cr"].contains(&name.as_str());
    match rest.peek() {
        Some('"') if raw => skip_raw(rest, 0),
        Some('"') if ["b", "c"].contains(&name.as_str()) => {
            rest.next();
            skip_string(rest);
        }
        Some('\'') if name == "b" => {
            rest.next();
            skip_character_or_lifetime(rest);
        }
        Some('#') if raw => {
            let mut hashes = 0;
            while rest.next_if_eq(&'#').is_some() {
                hashes += 1;
            }
            // `r#type` is a name.
            if let Some(c) = rest.next_if(|c| *c != '"') {
                return word(c, rest);
            }
            skip_raw(rest, hashes);
        }
        _ => return Some(name),
    }
    None
}

fn skip_line(rest: &mut Peekable<Chars<'_>>) {
    while rest.next().is_some_and(|c| c != '\n') {}
}

fn skip_comment(rest: &mut Peekable<Chars<'_>>) {
    let (mut depth, mut before) = (0_usize, '/');
    for c in rest.by_ref() {
        match (before, c) {
            ('/', '*') => depth += 1,
            ('*', '/') => depth -= 1,
            _ => {
                before = c;
                continue;
            }
        }
        if depth == 0 {
            return;
        }
        // `/*/` does not end what it begins.
        before = ' ';
    }
}

fn skip_string(rest: &mut Peekable<Chars<'_>>) {
    while let Some(c) = rest.next() {
        match c {
            '\\' => drop(rest.next()),
            '"' => return,
            _ => {}
        }
    }
}

/// At the quote that opens; as many hashes end it.
fn skip_raw(rest: &mut Peekable<Chars<'_>>, hashes: usize) {
    rest.next();
    let mut met = None;
    for c in rest.by_ref() {
        met = match (c, met) {
            ('"', _) => Some(0),
            ('#', Some(some)) => Some(some + 1),
            _ => None,
        };
        if met == Some(hashes) {
            return;
        }
    }
}

/// After the quote: `'a'` and `'\n'` end with another one, `'a` does not.
fn skip_character_or_lifetime(rest: &mut Peekable<Chars<'_>>) {
    match rest.next() {
        Some('\\') => {
            rest.next();
            while rest.next().is_some_and(|c| c != '\'') {}
        }
        Some(c) if c.is_alphanumeric() || c == '_' => {
            if rest.next_if_eq(&'\'').is_none() {
                while rest.next_if(|c| c.is_alphanumeric() || *c == '_').is_some() {}
            }
        }
        _ => drop(rest.next()),
    }
}
