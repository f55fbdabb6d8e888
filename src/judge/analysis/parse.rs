//! Conditions as the engine has them, read into a tree: the part of `expr-lang/expr` that conditions use.
//!
//! Here lives the grammar alone. Precedence as in expr's `parser/operator`: `? :` 0, `or` 10, `and` 15, comparisons and `in`
//! 20, `+ -` 30, `not` 50, `* / %` 60, the sign 90, `** ^` 100, `??` 500. What is not here is named, never guessed.

/// A condition is not longer than this many bytes; nothing that a person wrote is.
const LONGEST: usize = 4_000;
/// Nor is it nested deeper.
const DEEPEST: usize = 60;

/// A node of a condition.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Node {
    Nil,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Name(String),
    /// `#`: the item that a predicate is about.
    Item,
    List(Vec<Node>),
    Field(Box<Node>, String),
    Index(Box<Node>, Box<Node>),
    Call(String, Vec<Node>),
    Not(Box<Node>),
    Minus(Box<Node>),
    Binary(&'static str, Box<Node>, Box<Node>),
    Choice(Box<Node>, Box<Node>, Box<Node>),
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Int(i64),
    Float(f64),
    Text(String),
    Name(String),
    Sign(&'static str),
}

/// Signs, longest first.
const SIGNS: [&str; 36] = [
    "**", "??", "?.", "..", "==", "!=", "<=", ">=", "&&", "||", "+", "-", "*", "/", "%", "^", "<", ">", "!", "?", ":",
    "(", ")", "[", "]", "{", "}", ",", ".", "#", "|", ";", "=", "$", "&", "~",
];

/// Operators between two values: as written, as they are kept, precedence.
const BINARY: [(&str, &str, u32); 22] = [
    ("or", "or", 10),
    ("||", "or", 10),
    ("and", "and", 15),
    ("&&", "and", 15),
    ("==", "==", 20),
    ("!=", "!=", 20),
    ("<", "<", 20),
    (">", ">", 20),
    ("<=", "<=", 20),
    (">=", ">=", 20),
    ("in", "in", 20),
    ("contains", "contains", 20),
    ("startsWith", "startsWith", 20),
    ("endsWith", "endsWith", 20),
    ("+", "+", 30),
    ("-", "-", 30),
    ("*", "*", 60),
    ("/", "/", 60),
    ("%", "%", 60),
    ("**", "**", 100),
    ("^", "**", 100),
    ("??", "??", 500),
];

/// Reads a condition.
///
/// # Errors
/// What stands in the way, in a sentence's end: `'|' is not known here`.
pub(super) fn parse(text: &str) -> Result<Node, String> {
    if text.len() > LONGEST {
        return Err(format!("it is {} bytes long", text.len()));
    }
    if text.contains("{{") {
        return Err("an argument in it is not known".to_owned());
    }
    let mut parser = Parser { tokens: tokens(text)?, at: 0, depth: 0 };
    let node = parser.choice()?;
    match parser.peek() {
        None => Ok(node),
        Some(token) => Err(format!("{} is not known here", shown(token))),
    }
}

fn shown(token: &Token) -> String {
    match token {
        Token::Int(it) => it.to_string(),
        Token::Float(it) => it.to_string(),
        Token::Text(it) => format!("\"{it}\""),
        Token::Name(it) => format!("'{it}'"),
        Token::Sign(it) => format!("'{it}'"),
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut rest = text.trim_start();
    let mut all = Vec::new();
    while let Some(first) = rest.chars().next() {
        let (token, after) = if first.is_ascii_digit() {
            number(rest)?
        } else if matches!(first, '"' | '\'' | '`') {
            quoted(rest, first)?
        } else if first.is_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            let (name, after) = rest.split_at(end);
            (Token::Name(name.to_owned()), after)
        } else {
            let sign = SIGNS.iter().find_map(|sign| rest.strip_prefix(sign).map(|after| (Token::Sign(sign), after)));
            sign.ok_or_else(|| format!("'{first}' is not known here"))?
        };
        all.push(token);
        rest = after.trim_start();
    }
    Ok(all)
}

fn number(text: &str) -> Result<(Token, &str), String> {
    let digits = |text: &str| text.find(|c: char| !c.is_ascii_digit() && c != '_').unwrap_or(text.len());
    let mut end = digits(text);
    let mut whole = true;
    let tail = |end: usize| text.get(end..).unwrap_or_default();
    if tail(end).starts_with('.') && tail(end + 1).starts_with(|c: char| c.is_ascii_digit()) {
        end += 1 + digits(tail(end + 1));
        whole = false;
    }
    if tail(end).starts_with(['e', 'E']) {
        let signed = end + 1 + usize::from(tail(end + 1).starts_with(['+', '-']));
        if tail(signed).starts_with(|c: char| c.is_ascii_digit()) {
            end = signed + digits(tail(signed));
            whole = false;
        }
    }
    let (written, after) = text.split_at(end);
    let plain = written.replace('_', "");
    let token = if whole { plain.parse().map(Token::Int).ok() } else { plain.parse().map(Token::Float).ok() };
    match token {
        Some(token) if !after.starts_with(|c: char| c.is_alphabetic()) => Ok((token, after)),
        _ => Err(format!("{written} is no number that is known here")),
    }
}

fn quoted(text: &str, quote: char) -> Result<(Token, &str), String> {
    let body = text.strip_prefix(quote).unwrap_or_default();
    match body.split_once(quote) {
        Some((inner, _)) if quote != '`' && inner.contains('\\') => {
            Err("a string with '\\' is not known here".to_owned())
        }
        Some((inner, after)) => Ok((Token::Text(inner.to_owned()), after)),
        None => Err("a string does not end".to_owned()),
    }
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn takes(&mut self, sign: &str) -> bool {
        let is = matches!(self.peek(), Some(Token::Sign(found)) if *found == sign);
        self.at += usize::from(is);
        is
    }

    fn needs(&mut self, sign: &str) -> Result<(), String> {
        if self.takes(sign) { Ok(()) } else { Err(format!("'{sign}' is missing")) }
    }

    fn name(&mut self) -> Result<String, String> {
        match self.peek() {
            Some(Token::Name(name)) => {
                let name = name.clone();
                self.at += 1;
                Ok(name)
            }
            _ => Err("a name is missing".to_owned()),
        }
    }

    /// `condition ? one : other`, or what stands in it.
    fn choice(&mut self) -> Result<Node, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("it is nested too deeply".to_owned());
        }
        let mut node = self.binary(0)?;
        if self.takes("?") {
            let one = self.choice()?;
            self.needs(":")?;
            node = Node::Choice(Box::new(node), Box::new(one), Box::new(self.choice()?));
        }
        self.depth -= 1;
        Ok(node)
    }

    fn operator(&self) -> Option<(&'static str, u32, bool)> {
        let written = match self.peek()? {
            Token::Sign(sign) => *sign,
            Token::Name(name) => name.as_str(),
            _ => return None,
        };
        let negated =
            written == "not" && matches!(self.tokens.get(self.at + 1), Some(Token::Name(next)) if next == "in");
        let written = if negated { "in" } else { written };
        BINARY.iter().find(|(sign, ..)| *sign == written).map(|(_, kept, rank)| (*kept, *rank, negated))
    }

    fn binary(&mut self, least: u32) -> Result<Node, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err("it is nested too deeply".to_owned());
        }
        let mut left = self.unary()?;
        let mut chain = 0;
        while let Some((operator, rank, negated)) = self.operator().filter(|(_, rank, _)| *rank >= least) {
            chain += 1;
            if chain > DEEPEST {
                return Err("it is nested too deeply".to_owned());
            }
            self.at += 1 + usize::from(negated);
            let right = self.binary(if operator == "**" { rank } else { rank + 1 })?;
            left = Node::Binary(operator, Box::new(left), Box::new(right));
            if negated {
                left = Node::Not(Box::new(left));
            }
        }
        self.depth -= 1;
        Ok(left)
    }

    fn unary(&mut self) -> Result<Node, String> {
        const NOT: u32 = 50;
        const SIGN: u32 = 90;
        let negation = matches!(self.peek(), Some(Token::Name(name)) if name == "not");
        if negation {
            self.at += 1;
        }
        if negation || self.takes("!") {
            return self.binary(NOT).map(|node| Node::Not(Box::new(node)));
        }
        if self.takes("-") {
            return self.binary(SIGN).map(|node| Node::Minus(Box::new(node)));
        }
        if self.takes("+") {
            return self.binary(SIGN);
        }
        let node = self.primary()?;
        self.postfix(node)
    }

    fn primary(&mut self) -> Result<Node, String> {
        let Some(token) = self.peek().cloned() else { return Err("it ends too early".to_owned()) };
        self.at += 1;
        match token {
            Token::Int(it) => Ok(Node::Int(it)),
            Token::Float(it) => Ok(Node::Float(it)),
            Token::Text(it) => Ok(Node::Text(it)),
            Token::Sign("(") => {
                let node = self.choice()?;
                self.needs(")")?;
                Ok(node)
            }
            Token::Sign("[") => self.items("]").map(Node::List),
            Token::Sign("#") if matches!(self.peek(), Some(Token::Name(_))) => {
                Err("'#' with a name is not known here".to_owned())
            }
            Token::Sign("#") => Ok(Node::Item),
            Token::Sign(".") => self.name().map(|field| Node::Field(Box::new(Node::Item), field)),
            Token::Name(name) => match name.as_str() {
                "true" => Ok(Node::Bool(true)),
                "false" => Ok(Node::Bool(false)),
                "nil" => Ok(Node::Nil),
                "let" | "if" => Err(format!("'{name}' is not known here")),
                _ if self.takes("(") => self.items(")").map(|arguments| Node::Call(name, arguments)),
                _ => Ok(Node::Name(name)),
            },
            Token::Sign(sign) => Err(format!("'{sign}' is not known here")),
        }
    }

    /// Items up to the closing sign; a predicate may stand in braces.
    fn items(&mut self, end: &str) -> Result<Vec<Node>, String> {
        let mut all = Vec::new();
        while !self.takes(end) {
            if !all.is_empty() {
                self.needs(",")?;
            }
            let braced = self.takes("{");
            all.push(self.choice()?);
            if braced {
                self.needs("}")?;
            }
        }
        Ok(all)
    }

    fn postfix(&mut self, mut node: Node) -> Result<Node, String> {
        let mut chain = 0;
        loop {
            chain += 1;
            if chain > DEEPEST {
                return Err("it is nested too deeply".to_owned());
            }
            if self.takes(".") {
                let field = self.name()?;
                if self.takes("(") {
                    return Err(format!("the method '{field}' is not known here"));
                }
                node = Node::Field(Box::new(node), field);
            } else if self.takes("[") {
                let index = self.choice()?;
                self.needs("]")?;
                node = Node::Index(Box::new(node), Box::new(index));
            } else {
                return Ok(node);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tree in brackets.
    fn tree(text: &str) -> String {
        fn shown(node: &Node) -> String {
            match node {
                Node::Nil => "nil".to_owned(),
                Node::Bool(it) => it.to_string(),
                Node::Int(it) => it.to_string(),
                Node::Float(it) => it.to_string(),
                Node::Text(it) => format!("{it:?}"),
                Node::Name(it) => it.clone(),
                Node::Item => "#".to_owned(),
                Node::List(items) => format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(" ")),
                Node::Field(of, name) => format!("{}.{name}", shown(of)),
                Node::Index(of, index) => format!("{}[{}]", shown(of), shown(index)),
                Node::Call(name, them) => format!("{name}({})", them.iter().map(shown).collect::<Vec<_>>().join(" ")),
                Node::Not(it) => format!("(not {})", shown(it)),
                Node::Minus(it) => format!("(- {})", shown(it)),
                Node::Binary(operator, left, right) => format!("({operator} {} {})", shown(left), shown(right)),
                Node::Choice(a, b, c) => format!("(? {} {} {})", shown(a), shown(b), shown(c)),
            }
        }
        parse(text).map_or_else(|why| format!("! {why}"), |node| shown(&node))
    }

    #[test]
    fn operators_bind_as_they_do_upstream() {
        let table = [
            ("result[0] >= 0.95", "(>= result[0] 0.95)"),
            ("len(result) == 0 || result[0] < 1e-3 && true", "(or (== len(result) 0) (and (< result[0] 0.001) true))"),
            ("1 + 2 * 3 - 4", "(- (+ 1 (* 2 3)) 4)"),
            ("-2 ** 2 ^ 3", "(- (** 2 (** 2 3)))"),
            ("!isNaN(result) and not (result > 1)", "(and (not isNaN(result)) (not (> result 1)))"),
            ("!result.ok == true", "(== (not result.ok) true)"),
            ("all(result.values, {asFloat(.value) >= 9_900})", "all(result.values (>= asFloat(#.value) 9900))"),
            ("all(result, # < 1000)", "all(result (< # 1000))"),
            ("result ?? 0 > 1 ? 'a' : \"b\"", "(? (> (?? result 0) 1) \"a\" \"b\")"),
            ("2 not in [1, 2]", "(not (in 2 [1 2]))"),
            ("result['a'].b[-1]", "result[\"a\"].b[(- 1)]"),
        ];
        for (text, expected) in table {
            assert_eq!(tree(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_not_of_the_part_that_is_known_is_named() {
        let table = [
            ("result | len()", "! '|' is not known here"),
            ("result[1:2] > 0", "! ']' is missing"),
            ("result.Name() == 'hi'", "! the method 'Name' is not known here"),
            ("let x = 1; x", "! 'let' is not known here"),
            ("result >= {{args.threshold}}", "! an argument in it is not known"),
            ("result >", "! it ends too early"),
            ("", "! it ends too early"),
            ("0x1f < result", "! 0 is no number that is known here"),
            ("99999999999999999999 > result", "! 99999999999999999999 is no number that is known here"),
            ("'a", "! a string does not end"),
            ("result § 1", "! '§' is not known here"),
        ];
        for (text, expected) in table {
            assert_eq!(tree(text), expected, "{text}");
        }
        assert_eq!(tree(&"(".repeat(3000)), "! it is nested too deeply");
        assert_eq!(tree(&"!".repeat(3000)), "! it is nested too deeply");
        assert_eq!(tree(&format!("1{}", "+1".repeat(1500))), "! it is nested too deeply");
        assert_eq!(tree(&"a".repeat(5000)), "! it is 5000 bytes long");
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "[ -~]{0,60}", near in "(result|len|all|[(){}#.<>=!&|0-9,' +*?:-]|\\[|\\]){0,30}") {
            let _ = (parse(&text), parse(&near));
        }
    }
}
